package org.sparkao.gpu.model.cpu;

/** Linear layers that read the same x, as they are computed. */
interface CpuMatrix {
  /** Input features. */
  int k();

  /**
   * Computes x W^T + bias.
   *
   * @param x [{@link Product#rowsInMemory}, K] fp32; what is in it afterwards is undefined
   * @param output takes the results, panel by panel
   */
  void multiply(float[] x, int rows, Product.Finish output);

  /** As {@link org.sparkao.gpu.model.Projection#numerics}. */
  String numerics();
}
