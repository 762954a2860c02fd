package org.sparkao.gpu.gemm;

import org.sparkao.gpu.device.Buffer;

/**
 * Products of many rows, bound by multiplication. Any M: a row of X gives the same bits in every M,
 * place and run; the decode family may give others.
 */
public interface PrefillGemm {
  /**
   * Lays a weight out for {@link #multiply}, and waits until that is done. What {@link DecodeGemm}
   * prepared for the same device is taken as well, for products that {@link #check} accepts: one
   * copy of a weight serves both. The caller closes the result.
   *
   * @throws IllegalArgumentException naming tensor, value and way out, when there is no such kernel
   *     or a buffer has another size
   */
  GemmWeights prepare(Gemm gemm, WeightMatrix matrix);

  /** The same for {@link Gemm.Step#SILU_GATE}: two matrices of N / 2 rows. */
  GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up);

  /** Memory that {@link #multiply} needs for M rows; what suffices for M suffices for fewer. */
  long workspaceBytes(Gemm gemm, int m);

  /**
   * Multiplies in the order of the calling thread's stream, and takes no memory: it can be
   * captured.
   *
   * @param workspace {@link #workspaceBytes} or more, undefined before and after; products that
   *     share it are in one stream
   */
  void multiply(GemmWeights weights, GemmCall call, Buffer workspace);

  /** How M rows are multiplied, for records. */
  String plan(GemmWeights weights, int m);

  /**
   * Refuses a product that the kernels lack; planning asks before any weight is read.
   *
   * @throws IllegalArgumentException naming the product, what is lacking and the way out
   */
  static void check(Gemm gemm) {
    GemmChecks.prefill(gemm);
  }

  /**
   * Refuses a product that the kernels of 2:4 weights lack: there are E4M3 with scales of tensors
   * or rows, and BF16, with or without bias.
   *
   * @throws IllegalArgumentException as {@link #check}
   */
  static void checkSparse(Gemm gemm) {
    GemmChecks.sparse(gemm);
  }
}
