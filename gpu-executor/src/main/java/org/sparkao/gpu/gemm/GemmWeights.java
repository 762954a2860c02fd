package org.sparkao.gpu.gemm;

/** Weights in the layout that one family of kernels reads, in memory of their own. */
public interface GemmWeights extends AutoCloseable {
  /** The product that they were prepared for. */
  Gemm gemm();

  /** Memory of the device that they take: tiles, scales and bias. */
  long bytes();

  /** Gives the memory back; no product that reads them may be under way. */
  @Override
  void close();
}
