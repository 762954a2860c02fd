package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

/** How far an operator may be from its reference. */
final class LayerTolerance {
  /**
   * ||x - reference|| / ||reference|| of bf16 results that differ only where fp32 and double
   * arithmetic round to different bf16 numbers, which is rare.
   */
  static final double ROUNDED = 1e-3;

  /** The same where the weights of attention are rounded to bf16 on the way. */
  static final double ROUNDED_WEIGHTS = 4e-3;

  /** |x - reference| / (1 + |reference|) of a log-probability. */
  static final double LOG_PROBABILITY = 2e-6;

  private LayerTolerance() {}

  /** NaN is never within. */
  static void assertWithin(double bound, float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      double d = (double) actual[i] - expected[i];
      difference += d * d;
      norm += (double) expected[i] * expected[i];
    }
    assertThat(Math.sqrt(difference / norm)).isLessThanOrEqualTo(bound);
  }
}
