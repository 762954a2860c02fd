package org.sparkao.gpu.gemm;

/** Sizes of {@code gemm_int4/layout.cuh}, and the launch of its kernels by M. */
final class Int4Tiles {
  static final int TILE = 128;
  static final int TILE_THREADS = 256;
  static final int THREADS = 384;
  private static final int CODE_BYTES = TILE * TILE / 2;
  private static final int SHARED_BYTES_OF_TWO = 115_712;
  private static final int SHARED_BYTES_OF_ONE = 232_448;

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

  /** Dynamic shared memory: up to 32 rows two blocks share a multiprocessor. */
  static int sharedBytes(int rows) {
    return rows <= 32 ? SHARED_BYTES_OF_TWO : SHARED_BYTES_OF_ONE;
  }
}
