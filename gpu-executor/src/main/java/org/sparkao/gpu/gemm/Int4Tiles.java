package org.sparkao.gpu.gemm;

/** Sizes of {@code gemm_int4/layout.cuh}, and the launch of its kernels by M. */
final class Int4Tiles {
  static final int TILE = 128;
  static final int TILE_THREADS = 256;
  private static final int CODE_BYTES = TILE * TILE / 2;
  private static final int HALF_TILE = 64;
  private static final int PRODUCER_THREADS = 32;
  private static final int WIDEST_PRODUCER_THREADS = 128;
  private static final int MULTIPROCESSOR_KB = 228;
  private static final int KB = 1024;

  private Int4Tiles() {}

  /** Columns that share a scale in the tiles: a row's scale is repeated. */
  static int group(Int4Operands operands) {
    return operands.group() == Int4Operands.ROW ? TILE : operands.group();
  }

  /** Bytes of a tiled weight. */
  static long bytes(Gemm gemm, Int4Operands operands) {
    return (long) tiles(gemm.n())
        * tiles(gemm.k())
        * blockBytes(group(operands), operands.asymmetric());
  }

  static int tiles(int length) {
    return (length + TILE - 1) / TILE;
  }

  static int blockBytes(int group, boolean asymmetric) {
    int zeroPoints = TILE / group * TILE;
    return CODE_BYTES + 2 * zeroPoints + (asymmetric ? zeroPoints : 0);
  }

  /** Rows of the least variant that holds M. */
  static int rowsFor(int m) {
    return m <= 8 ? 8 : m <= 16 ? 16 : m <= 32 ? 32 : m <= 64 ? 64 : 128;
  }

  /** Outputs of a block of the variant for {@code rows}. */
  static int blockRows(int rows) {
    return rows <= 16 ? HALF_TILE : TILE;
  }

  /** Two for each output, and the producer. */
  static int threads(int rows) {
    return 2 * blockRows(rows) + (rows == 128 ? WIDEST_PRODUCER_THREADS : PRODUCER_THREADS);
  }

  /** The most blocks on a multiprocessor of the variant for {@code rows}. */
  static int mostBlocks(int rows) {
    return rows <= 8 ? 6 : rows <= 16 ? 5 : rows <= 32 ? 2 : 1;
  }

  /** Dynamic shared memory of a block of which {@code blocks} share a multiprocessor. */
  static int sharedBytes(int blocks) {
    return (MULTIPROCESSOR_KB / blocks - 1) * KB;
  }
}
