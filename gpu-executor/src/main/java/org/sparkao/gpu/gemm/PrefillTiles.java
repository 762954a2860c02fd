package org.sparkao.gpu.gemm;

/**
 * Sizes of the tiled operands of {@code gemm_prefill/tiling.cuh}: blocks of 128 rows x 128 bytes.
 */
final class PrefillTiles {
  static final int ROWS = 128;
  private static final int ROW_BYTES = 128;
  private static final int BLOCK_BYTES = ROWS * ROW_BYTES;

  private PrefillTiles() {}

  /** Blocks of K in a row. */
  static int blocksOfK(int k, ElementType type) {
    return ceilDiv(k * type.bytes(), ROW_BYTES);
  }

  /** Bytes of a tiled matrix. */
  static long bytes(int rows, int k, ElementType type) {
    return (long) ceilDiv(rows, ROWS) * blocksOfK(k, type) * BLOCK_BYTES;
  }

  /** The least whole number that is not below a / b. */
  static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }
}
