package org.sparkao.gpu.gemm;

import java.util.List;

/**
 * Weights of the reference.
 *
 * @param matrices one, or gate and up
 */
record ReferenceWeights(Gemm gemm, List<ReferenceMatrix> matrices) implements GemmWeights {
  ReferenceWeights {
    matrices = List.copyOf(matrices);
  }

  @Override
  public long bytes() {
    return matrices.stream().mapToLong(ReferenceMatrix::bytes).sum();
  }

  @Override
  public void close() {
    // Memory is the garbage collector's.
  }
}
