package org.sparkao.gpu.gemm;

import static org.sparkao.gpu.gemm.DecodeLayout.ceilDiv;

/**
 * {@code gemm_decode/plan.cuh}, line for line: how one product of tiled weights is launched; unlike
 * the tiling this may depend on M.
 *
 * @param n columns of the instruction: 8, 32, 64, 128
 * @param passRows rows of a tile that a block does
 * @param stages slots of the ring
 * @param sharedBytes dynamic shared memory
 * @param blocks of threads
 * @param flags how
 */
record DecodeLaunch(int n, int passRows, int stages, int sharedBytes, Blocks blocks, int flags) {
  static final int SHARED_BYTES = 232_448;
  private static final int HALF_SHARED_BYTES = 115_712;

  /**
   * What is launched for.
   *
   * @param n rows of weights
   * @param blockScales whether scales are those of blocks
   */
  record Problem(int m, int n, int k, int elementBytes, boolean blockScales) {
    /** Blocks of K of one of the thread blocks that share it, at most. */
    int blocksOfK(DecodeTiling tiling) {
      return ceilDiv(DecodeLayout.blocksOfK(k, elementBytes), tiling.cluster());
    }
  }

  /**
   * Thread blocks.
   *
   * @param grid all of them
   * @param cluster those that share K
   * @param threads of each
   */
  record Blocks(int grid, int cluster, int threads) {}

  private static DecodeLaunch within(DecodeTiling tiling, Problem problem, int budget) {
    int m = problem.m;
    int n = m <= 8 ? 8 : m <= 32 ? 32 : m <= 64 ? 64 : 128;
    int cluster = tiling.cluster();
    int flags =
        (cluster > 1 && n <= (problem.elementBytes == 2 ? 8 : 32) ? DecodeLayout.PUSH : 0)
            | (m <= 16 && !problem.blockScales ? DecodeLayout.X_AT_ONCE : 0);
    int groupRows = DecodeLayout.piecesOf(n) * DecodeLayout.PIECE_ROWS;
    int passes = ceilDiv(tiling.tileRows(), groupRows * DecodeLayout.groupsOf(n));
    int passRows = ceilDiv(ceilDiv(tiling.tileRows(), passes), 8) * 8;
    int threads = (ceilDiv(passRows, groupRows) + 1) * DecodeLayout.GROUP_THREADS;
    int grid =
        ceilDiv(problem.n, tiling.tileRows()) * ceilDiv(tiling.tileRows(), passRows) * cluster;
    int blocks = problem.blocksOfK(tiling);
    int scaleBlocks = problem.blockScales ? blocks : 0;
    int stages = Math.min(DecodeLayout.MAX_STAGES, Math.max(2, blocks));
    int bytes = 0;
    while (stages >= 2) {
      bytes = DecodeLayout.sharedBytes(m, n, passRows, stages, scaleBlocks, cluster);
      if (bytes <= budget) {
        break;
      }
      stages--;
    }
    boolean fits = stages >= 2;
    return new DecodeLaunch(
        n,
        passRows,
        fits ? stages : 0,
        fits ? bytes : 0,
        new Blocks(grid, cluster, threads),
        flags);
  }

  static DecodeLaunch choose(DecodeTiling tiling, Problem problem) {
    DecodeLaunch half = within(tiling, problem, HALF_SHARED_BYTES);
    long share = (long) tiling.tileRows() * problem.blocksOfK(tiling) * DecodeLayout.BLOCK_BYTES;
    if (half.stages > 0 && problem.m <= 64 && share <= SHARED_BYTES) {
      return tiling.cluster() == 1 && problem.m <= 32 ? half.late() : half;
    }
    return within(tiling, problem, SHARED_BYTES);
  }

  private DecodeLaunch late() {
    return new DecodeLaunch(
        n, passRows, stages, sharedBytes, blocks, flags | DecodeLayout.LATE_LAUNCH);
  }

  /** As the bench writes it. */
  String text(int tileRows) {
    return "h"
        + tileRows
        + " c"
        + blocks.cluster
        + " n"
        + n
        + " p"
        + passRows
        + " s"
        + stages
        + " "
        + blocks.threads
        + "x"
        + blocks.grid
        + " "
        + (sharedBytes + 1023) / 1024
        + "K"
        + ((flags & DecodeLayout.LATE_LAUNCH) != 0 ? " late" : "")
        + ((flags & DecodeLayout.PUSH) != 0 ? " push" : "")
        + ((flags & DecodeLayout.X_AT_ONCE) != 0 ? " once" : "");
  }
}
