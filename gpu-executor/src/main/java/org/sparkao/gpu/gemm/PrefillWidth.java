package org.sparkao.gpu.gemm;

/**
 * {@code gemm_prefill/width.cuh}, line for line: which tile width fp8 takes, 192 or 128. Both give
 * the same bits, so that M may decide.
 *
 * @param columns of a tile
 * @param waves128 how often all multiprocessors have a tile of 128
 * @param waves192 the same of 192
 * @param costOf128 of a wave of 128, in columns of one of 192
 */
public record PrefillWidth(int columns, int waves128, int waves192, int costOf128) {
  private static final int COST_OF_128 = 141;
  private static final int COST_OF_128_BLOCKS = 166;

  /** The cheaper one. */
  public static PrefillWidth of(int m, int n, boolean blockScales, int multiprocessors) {
    int waves128 = waves(m, n, 128, multiprocessors);
    int waves192 = waves(m, n, 192, multiprocessors);
    int cost = blockScales ? COST_OF_128_BLOCKS : COST_OF_128;
    return new PrefillWidth(waves128 * cost < waves192 * 192 ? 128 : 192, waves128, waves192, cost);
  }

  private static int waves(int m, int n, int columns, int multiprocessors) {
    int clusters = multiprocessors / 2;
    int pairs = (m + 255) / 256;
    return (pairs * ((n + columns - 1) / columns) + clusters - 1) / clusters;
  }

  /** Why. */
  @Override
  public String toString() {
    return "n"
        + columns
        + ": "
        + waves128
        + " waves of 128 cost "
        + waves128 * costOf128
        + ", "
        + waves192
        + " of 192 "
        + waves192 * 192;
  }
}
