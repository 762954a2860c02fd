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
  static final int PUSH = 512;
  static final int X_AT_ONCE = 1024;

  private DecodeLayout() {}

  static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }

  static int blocksOfK(int k, int elementBytes) {
    return ceilDiv(k * elementBytes, BLOCK_BYTES);
  }

  /** Bytes of tiled weights. */
  static long tiledBytes(int n, int k, int elementBytes) {
    return (long) n * blocksOfK(k, elementBytes) * BLOCK_BYTES;
  }

  static int piecesOf(int n) {
    return n == 32 ? 2 : 1;
  }

  static int groupsOf(int n) {
    return n == 8 ? 7 : n <= 64 ? 4 : 3;
  }

  static int paddedM(int m) {
    return ceilDiv(m, 8) * 8;
  }

  static int slotRows(int passRows) {
    return Math.max(passRows, PIECE_ROWS);
  }

  static int partialPitch(int passRows) {
    return (passRows + 11) / 16 * 16 + 4;
  }

  static int scaleRows(int passRows) {
    return passRows / 128 + 4;
  }

  static int shareBytes(int m, int n, int passRows, int cluster) {
    return cluster > 1 && n <= 32 ? cluster * ceilDiv(m * (passRows / 4), cluster) * 16 : 0;
  }

  /**
   * {@code SharedLayout::of(...).bytes}.
   *
   * @param kBlocks blocks of K a thread block does, at most; 0 without block scales
   */
  static int sharedBytes(int m, int n, int passRows, int stages, int kBlocks, int cluster) {
    int x = BARRIER_BYTES;
    int w = x + stages * paddedM(m) * BLOCK_BYTES;
    int scaleX = w + stages * slotRows(passRows) * BLOCK_BYTES;
    int scaleW = scaleX + (kBlocks > 0 ? stages * n * 4 : 0);
    int shares = (scaleW + scaleRows(passRows) * kBlocks * 4 + 15) / 16 * 16;
    int ringEnd = shares + shareBytes(m, n, passRows, cluster);
    int partialEnd = BARRIER_BYTES + m * partialPitch(passRows) * 4;
    return Math.max(ringEnd, partialEnd);
  }
}
