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
  static final int SHARED_BYTES = 232_448;
  private static final int HALF_SHARED_BYTES = 115_712;
  private static final int THIRD_SHARED_BYTES = 76_800;

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
   * @param sets parts of K in a block
   * @param threads of each
   */
  record Blocks(int grid, int split, int sets, int threads) {}

  private static int columnsFor(int m) {
    return m <= 16 ? 16 : m <= 32 ? 32 : m <= 64 ? 64 : 128;
  }

  private static DecodeLaunch within(Size size, int split, int sets, int rows, int budget) {
    int n = columnsFor(size.m);
    int threads = (ceilDiv(rows, DecodeLayout.PIECE_ROWS) * sets + 1) * DecodeLayout.GROUP_THREADS;
    Blocks blocks = new Blocks(ceilDiv(size.n, rows) * split, split, sets, threads);
    int part = ceilDiv(size.blocksOfK(), split * sets);
    int turn = sets * DecodeLayout.CHUNK_BLOCKS;
    int places = sets == 1 ? part : ceilDiv(part, DecodeLayout.CHUNK_BLOCKS) * turn;
    DecodeLayout.Share share = new DecodeLayout.Share(size.m, n, rows, sets, split);
    int scaleBlocks = size.blockScales ? ceilDiv(size.blocksOfK(), split) : 0;
    int stages = Math.min(DecodeLayout.MAX_STAGES, Math.max(2, places));
    while (stages >= 2 && DecodeLayout.sharedBytes(share, stages, scaleBlocks) > budget) {
      stages--;
    }
    if (sets > 1 && stages < places) {
      stages = stages / turn * turn;
    }
    if (stages < 2) {
      stages = 0;
    }
    int bytes = stages == 0 ? 0 : DecodeLayout.sharedBytes(share, stages, scaleBlocks);
    return new DecodeLaunch(n, rows, stages, bytes, blocks, 0);
  }

  static DecodeLaunch choose(DecodeTiling tiling, Size size) {
    int sets = tiling.parts() == 4 && size.m > 32 ? 2 : 1;
    int split = tiling.parts() / sets;
    int rows =
        tiling.tileRows() > DecodeLayout.mostRows(columnsFor(size.m), sets)
            ? tiling.tileRows() / 2
            : tiling.tileRows();
    long share = (long) rows * ceilDiv(size.blocksOfK(), split) * DecodeLayout.BLOCK_BYTES;
    boolean small = share <= SHARED_BYTES * 5 / 4;
    int budget = SHARED_BYTES;
    if (small && sets == 1 && size.m <= 64) {
      budget = split == 4 ? THIRD_SHARED_BYTES : HALF_SHARED_BYTES;
    }
    DecodeLaunch launch = within(size, split, sets, rows, budget);
    if (launch.stages < 2 && budget < SHARED_BYTES) {
      launch = within(size, split, sets, rows, SHARED_BYTES);
    }
    return split == 1 && (budget < SHARED_BYTES || size.m > 64) ? launch.late() : launch;
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
        + (blocks.sets > 1 ? "x" + blocks.sets : "")
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
