package org.sparkao.gpu.gemm;

/**
 * {@code gemm_decode/layout.cuh}, line for line: the tile layout, and what lies where in shared
 * memory.
 */
final class DecodeLayout {
  static final int BLOCK_BYTES = 128;
  static final int CHUNK_BLOCKS = 4;
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

  static int mostRows(int n, int sets) {
    return (n == 16 ? 7 : n <= 64 ? 4 : 3) / sets * PIECE_ROWS;
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
  static int mostSliceBytes(int m, int rows, int cluster) {
    int quads = ceilDiv(m * (rows / 4), cluster);
    return quads * 16 + (quads / 4 + 1) * 16;
  }

  /**
   * A thread block's share of the work.
   *
   * @param m rows of X
   * @param n columns of the instruction
   * @param rows rows of weights
   * @param sets parts of K in the block
   * @param cluster blocks that split K
   */
  record Share(int m, int n, int rows, int sets, int cluster) {}

  /**
   * {@code SharedLayout::of(...).bytes}.
   *
   * @param kBlocks blocks of K a thread block does, at most; 0 without block scales
   */
  static int sharedBytes(Share of, int stages, int kBlocks) {
    int x = BARRIER_BYTES;
    int w = x + stages * paddedM(of.m) * BLOCK_BYTES;
    int scaleX = w + stages * slotRows(of.rows) * BLOCK_BYTES;
    int scaleW = scaleX + (kBlocks > 0 ? stages * of.n * 4 : 0);
    int setsEnd =
        BARRIER_BYTES + (of.sets - 1) * ceilDiv(of.rows, PIECE_ROWS) * PIECE_ROWS * of.n * 4;
    int partialsEnd = BARRIER_BYTES + of.m * partialPitch(of.rows) * 4;
    int shares = (scaleW + scaleRows(of.rows) * kBlocks * 4 + 15) / 16 * 16;
    shares = Math.max(shares, Math.max(setsEnd, partialsEnd));
    return shares + (of.cluster - 1) * mostSliceBytes(of.m, of.rows, of.cluster);
  }
}
