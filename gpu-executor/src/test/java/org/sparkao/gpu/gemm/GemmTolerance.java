package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

/** How far a product may be from that of doubles; the READMEs of the kernels state the sums. */
final class GemmTolerance {
  private GemmTolerance() {}

  /** ||error|| / ||result|| of decode. */
  static double decode(Gemm gemm) {
    double sums =
        switch (gemm.operands().x()) {
          case INT8 -> 2e-6;
          case BF16, FP16 -> gemm.operands() instanceof Int4Operands ? 1e-5 : 1e-4;
          default -> gemm.operands() instanceof Int4Operands ? 1e-3 : 2e-3;
        };
    return sums + rounding(gemm.output());
  }

  /** The same of prefill. */
  static double prefill(Gemm gemm) {
    double sums =
        switch (gemm.operands().x()) {
          case INT8 -> 1e-6;
          case BF16, FP16 ->
              gemm.operands() instanceof Int4Operands ? 3e-5 : 1e-5 + 5e-9 * gemm.k();
          default -> gemm.operands() instanceof Int4Operands ? 1e-3 : 2e-3;
        };
    return sums + rounding(gemm.output());
  }

  /** Half a unit in the last place, relative to the number, and something for the steps. */
  private static double rounding(ElementType output) {
    return switch (output) {
      case BF16 -> 2.5e-3;
      case FP16 -> 4e-4;
      default -> 0;
    };
  }

  /** All together within the bound, and none far off; NaN is never within. */
  static void assertWithin(double bound, double[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    double typical = Math.sqrt(norm / expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Math.abs(actual[i] - expected[i]))
          .as("element %d, expected %s", i, expected[i])
          .isLessThanOrEqualTo(8 * bound * typical + 2 * bound * Math.abs(expected[i]));
    }
    assertThat(Math.sqrt(difference / norm)).isLessThanOrEqualTo(bound);
  }
}
