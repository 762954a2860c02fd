package org.sparkao.gpu.gemm;

/**
 * Products of few rows, whose time is that of reading W once. A row of X gives the same bits in
 * every M, place and run; another family may give others.
 */
public interface DecodeGemm {
  /** Most rows of X. */
  int MOST_ROWS = 128;

  /**
   * Lays a weight out for {@link #multiply}, and waits until that is done: then every product may
   * be launched as a dependent. The caller closes the result.
   *
   * @throws IllegalArgumentException naming tensor, value and way out, when there is no such kernel
   *     or a buffer has another size
   */
  GemmWeights prepare(Gemm gemm, WeightMatrix matrix);

  /** The same for {@link Gemm.Step#SILU_GATE}: two matrices of N / 2 rows. */
  GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up);

  /**
   * Multiplies 1 to {@link #MOST_ROWS} rows in the order of the calling thread's stream, and takes
   * no memory: it can be captured.
   */
  void multiply(GemmWeights weights, GemmCall call);

  /** How M rows are multiplied, for records. */
  String plan(GemmWeights weights, int m);
}
