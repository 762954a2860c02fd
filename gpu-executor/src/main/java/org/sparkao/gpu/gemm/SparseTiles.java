package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import org.sparkao.gpu.GpuErrors;

/**
 * Weights of which at most two of each four neighbours in a row are not zero, and the size of the
 * operand that {@code gemm_sparse/packing.cuh} makes of them: blocks of 128 rows x 128 bytes of K,
 * half of the values and four bits for each four.
 */
final class SparseTiles {
  /** Neighbours of which two are kept. */
  static final int GROUP = 4;

  private static final int KEPT = 2;
  private static final int VALUE_BYTES = 128 * 64;
  private static final int METADATA_BYTES = 2048;

  private SparseTiles() {}

  /** Bytes of a packed weight. */
  static long bytes(int n, int k, ElementType type) {
    int block = VALUE_BYTES + METADATA_BYTES / type.bytes();
    return (long) PrefillTiles.ceilDiv(n, PrefillTiles.ROWS)
        * PrefillTiles.blocksOfK(k, type)
        * block;
  }

  /**
   * Refuses a weight with a group of more than two numbers that are not zero.
   *
   * @param codes [N, K] of the gemm's W
   */
  static void check(Gemm gemm, ByteBuffer codes) {
    ElementType type = ((DenseOperands) gemm.operands()).w();
    for (long group = 0; group < (long) gemm.n() * gemm.k(); group += GROUP) {
      int kept = 0;
      for (int i = 0; i < GROUP; i++) {
        kept += GemmNumbers.read(codes, type, group + i) == 0 ? 0 : 1;
      }
      if (kept > KEPT) {
        throw notSparse(gemm, group);
      }
    }
  }

  /** What is thrown for the group that begins at an element of a weight. */
  static IllegalArgumentException notSparse(Gemm gemm, long element) {
    return new IllegalArgumentException(
        GpuErrors.gemmNotSparse(gemm.name(), element / gemm.k(), element % gemm.k()));
  }
}
