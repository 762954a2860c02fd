package org.sparkao.gpu.gemm;

/**
 * {@code gemm_decode/layout.cuh}, line for line: the tile layout, and what lies where in shared
 * memory.
 */
final class DecodeLayout {
  static final int BLOCK_BYTES = 128;
  static final int PIECE_ROWS = 64;
  static final int BARRIER_BYTES = 1024;
  static final int MAX_STAGES = 32;
  static final int GROUP_THREADS = 128;

  /** Values of {@code flags}, behind the type of Y. */
  static final int SCALE_PER_ROW = 4;

  static final int SCALE_PER_CHANNEL = 8;
  static final int GATE = 16;
  static final int LATE_LAUNCH = 256;

  private DecodeLayout() {}

  static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }

  static int blocksOfK(int k, int elementBytes) {
    return ceilDiv(k * elementBytes, BLOCK_BYTES);
  }

  /** Bytes of tiled weights. */
  static long tiledBytes(int n, int k, int elementBytes, int tileRows) {
    return (long) ceilDiv(n, tileRows) * tileRows * blocksOfK(k, elementBytes) * BLOCK_BYTES;
  }

  static int mostRows(int n) {
    return (n == 16 ? 7 : n <= 64 ? 4 : 3) * PIECE_ROWS;
  }

  static int paddedM(int m) {
    return ceilDiv(m, 8) * 8;
  }

  static int slotRows(int rows) {
    return Math.max(rows, PIECE_ROWS);
  }

  static int partialPitch(int rows) {
    return rows + 4;
  }

  static int scaleRows(int rows) {
    return rows / 128 + 4;
  }

  /** {@code Slice::most_bytes}. */
  static int mostSliceBytes(int m, int rows, int split) {
    int quads = ceilDiv(m * (rows / 4), split);
    return quads * 16 + (quads / 4 + 1) * 16;
  }

  /**
   * {@code SharedLayout::of(...).bytes}.
   *
   * @param n columns of the instruction
   * @param rows rows of weights
   * @param kBlocks blocks of K a thread block does, at most; 0 without block scales
   */
  static int sharedBytes(int m, int n, int rows, int stages, int kBlocks, int split) {
    int x = BARRIER_BYTES;
    int w = x + stages * paddedM(m) * BLOCK_BYTES;
    int scaleX = w + stages * slotRows(rows) * BLOCK_BYTES;
    int scaleW = scaleX + (kBlocks > 0 ? stages * n * 4 : 0);
    int partialsEnd = BARRIER_BYTES + m * partialPitch(rows) * 4;
    int shares = Math.max((scaleW + scaleRows(rows) * kBlocks * 4 + 15) / 16 * 16, partialsEnd);
    return shares + (split - 1) * mostSliceBytes(m, rows, split);
  }
}
