package org.sparkao.gpu.gemm;

import java.util.List;
import org.sparkao.gpu.GpuErrors;

/**
 * Products of a mixture of experts: the tokens of expert e times its W. Tokens are sorted by
 * expert; how many each has stands on the device alone, and the host never waits for it. A token
 * gives the same bits whatever the other tokens are.
 */
public interface GroupedGemm {
  /** Few tokens an expert, or many: decided by what is done, never by a count. */
  enum Operation {
    /** Bound by reading weights. */
    DECODE,
    /** Bound by multiplication. */
    PREFILL
  }

  /**
   * Lays the weights of all experts out, and waits until that is done. The caller closes the
   * result.
   *
   * @param gemm of one expert
   * @param experts in order, at least one
   * @throws IllegalArgumentException naming tensor, value and way out, when there is no such kernel
   *     or a buffer has another size
   */
  GemmWeights prepare(Gemm gemm, List<WeightMatrix> experts);

  /** Multiplies in the order of the calling thread's stream, and takes no memory. */
  void multiply(GemmWeights weights, GroupedCall call);

  /**
   * Refuses a product that the kernels lack: there are E4M3 with scales of rows or blocks, and
   * BF16, with or without bias.
   */
  static void check(Gemm gemm) {
    String lacks = null;
    if (!(gemm.operands() instanceof DenseOperands dense)) {
      lacks = "int4 weights";
    } else if (dense.x() == ElementType.INT8 || dense.x() == ElementType.E5M2) {
      lacks = dense.x() + " activations";
    } else if (dense.x() == ElementType.E4M3
        && (dense.scalingOfX() != dense.scalingOfW()
            || dense.scalingOfX() == Scaling.TENSOR
            || dense.scalingOfX() == Scaling.NONE)) {
      lacks = "scales " + dense.scalingOfX() + " x " + dense.scalingOfW();
    } else if (gemm.has(Gemm.Step.SILU_GATE) || gemm.has(Gemm.Step.RESIDUAL)) {
      lacks = "gate or residual";
    }
    if (lacks != null) {
      throw new IllegalArgumentException(
          GpuErrors.gemmLacks(
              gemm.label(),
              "grouped",
              lacks,
              "use E4M3 with scales of rows or blocks, or BF16, and steps of their own"));
    }
  }
}
