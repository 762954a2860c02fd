package org.sparkao.gpu.gemm;

import static org.sparkao.gpu.gemm.DecodeLayout.ceilDiv;

/**
 * {@code gemm_decode/plan.cuh}, line for line: how one product of tiled weights is launched; unlike
 * the tiling this may depend on M.
 *
 * @param n columns of the instruction: 16, 32, 64, 128
 * @param rows rows of weights that a block multiplies
 * @param stages slots of the ring; 0 when not even two fit
 * @param sharedBytes dynamic shared memory
 * @param blocks of threads
 * @param flags how
 */
record DecodeLaunch(int n, int rows, int stages, int sharedBytes, Blocks blocks, int flags) {
  private static final int SHARED_BYTES = 232_448;
  private static final int HALF_SHARED_BYTES = 115_712;

  /**
   * What a launch is for.
   *
   * @param n rows of weights
   * @param blockScales whether scales are those of blocks
   */
  record Size(int m, int n, int k, int elementBytes, boolean blockScales) {
    int blocksOfK() {
      return DecodeLayout.blocksOfK(k, elementBytes);
    }
  }

  /**
   * Thread blocks.
   *
   * @param grid all of them
   * @param split blocks of a cluster that split K
   * @param threads of each
   */
  record Blocks(int grid, int split, int threads) {}

  private static int columnsFor(int m) {
    return m <= 16 ? 16 : m <= 32 ? 32 : m <= 64 ? 64 : 128;
  }

  private static DecodeLaunch within(Size size, int split, int rows, int budget) {
    int n = columnsFor(size.m);
    int threads = (ceilDiv(rows, DecodeLayout.PIECE_ROWS) + 1) * DecodeLayout.GROUP_THREADS;
    Blocks blocks = new Blocks(ceilDiv(size.n, rows) * split, split, threads);
    int kBlocks = ceilDiv(size.blocksOfK(), split);
    int scaleBlocks = size.blockScales ? kBlocks : 0;
    int stages = Math.min(DecodeLayout.MAX_STAGES, Math.max(2, kBlocks));
    while (stages >= 2
        && DecodeLayout.sharedBytes(size.m, n, rows, stages, scaleBlocks, split) > budget) {
      stages--;
    }
    if (stages < 2) {
      return new DecodeLaunch(n, rows, 0, 0, blocks, 0);
    }
    int bytes = DecodeLayout.sharedBytes(size.m, n, rows, stages, scaleBlocks, split);
    return new DecodeLaunch(n, rows, stages, bytes, blocks, 0);
  }

  static DecodeLaunch choose(DecodeTiling tiling, Size size) {
    int rows = chooseRows(tiling, size);
    long weights =
        (long) rows * ceilDiv(size.blocksOfK(), tiling.split()) * DecodeLayout.BLOCK_BYTES;
    boolean half = size.m <= 64 && weights <= SHARED_BYTES * 5 / 4;
    DecodeLaunch launch =
        within(size, tiling.split(), rows, half ? HALF_SHARED_BYTES : SHARED_BYTES);
    if (launch.stages < 2 && half) {
      launch = within(size, tiling.split(), rows, SHARED_BYTES);
    }
    boolean many = size.m > 64;
    boolean late = tiling.split() == 1 && (half || (many && !tiling.card().fastMemory()));
    return late || (many && twoLowBlocks(tiling, size)) ? launch.late() : launch;
  }

  private static int chooseRows(DecodeTiling tiling, Size size) {
    boolean low = size.m <= 64 && twoLowBlocks(tiling, size);
    boolean half = low || tiling.tileRows() > DecodeLayout.mostRows(columnsFor(size.m));
    return half ? tiling.tileRows() / 2 : tiling.tileRows();
  }

  /** Whether a tile is two low blocks, to M = 64. */
  private static boolean twoLowBlocks(DecodeTiling tiling, Size size) {
    return tiling.tileRows() == 2 * DecodeLayout.PIECE_ROWS
        && tiling.lowBlocks(size.n, size.blocksOfK());
  }

  private DecodeLaunch late() {
    return new DecodeLaunch(n, rows, stages, sharedBytes, blocks, flags | DecodeLayout.LATE_LAUNCH);
  }

  /** As the bench writes it. */
  @Override
  public String toString() {
    return "h"
        + rows
        + " c"
        + blocks.split
        + " n"
        + n
        + " s"
        + stages
        + " "
        + blocks.threads
        + "x"
        + blocks.grid
        + " "
        + (sharedBytes + 1023) / 1024
        + "K"
        + ((flags & DecodeLayout.LATE_LAUNCH) != 0 ? " late" : "");
  }
}
