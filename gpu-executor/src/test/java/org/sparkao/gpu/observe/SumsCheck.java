package org.sparkao.gpu.observe;

import static org.assertj.core.api.Assertions.assertThat;

import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.MagnitudeHistogram;

/** Sums that a GPU made against those of {@link org.sparkao.quant.observe.InputObserver}. */
public final class SumsCheck {
  /**
   * Of products of bf16, by the norm of all: products are exact, and tensor cores cut a sum off to
   * 24 bits after each 16 rows, of which a test has up to 732.
   */
  private static final double PRODUCTS = 732 / 16.0 * 0x1p-23;

  private SumsCheck() {}

  /** Everything is equal to the bit, but for sums of products of bf16. */
  public static void assertSame(InputSums actual, InputSums expected, Arithmetic arithmetic) {
    assertThat(actual.tokens()).isEqualTo(expected.tokens());
    assertThat(actual.routed()).isEqualTo(expected.routed());
    assertThat(actual.min()).isEqualTo(expected.min());
    assertThat(actual.max()).isEqualTo(expected.max());
    assertThat(actual.absolute()).isEqualTo(expected.absolute());
    assertThat(actual.square()).isEqualTo(expected.square());
    assertSame(actual.magnitudes(), expected.magnitudes());
    assertSame(actual.tokenAmax(), expected.tokenAmax());
    assertThat(actual.crossProducts().isPresent()).isEqualTo(expected.crossProducts().isPresent());
    if (expected.crossProducts().isEmpty()) {
      return;
    }
    float[] found = actual.crossProducts().orElseThrow();
    float[] wanted = expected.crossProducts().orElseThrow();
    if (arithmetic == Arithmetic.FP32) {
      assertThat(found).isEqualTo(wanted);
    } else {
      assertThat(found).hasSameSizeAs(wanted);
      assertThat(difference(found, wanted)).isLessThan(PRODUCTS);
    }
  }

  private static void assertSame(MagnitudeHistogram actual, MagnitudeHistogram expected) {
    assertThat(actual.firstBin()).isEqualTo(expected.firstBin());
    assertThat(actual.counts()).isEqualTo(expected.counts());
  }

  private static double difference(float[] found, float[] wanted) {
    double squares = 0;
    double norm = 0;
    for (int i = 0; i < found.length; i++) {
      double difference = (double) found[i] - wanted[i];
      squares += difference * difference;
      norm += (double) wanted[i] * wanted[i];
    }
    return Math.sqrt(squares / norm);
  }
}
