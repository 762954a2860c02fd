package org.sparkao.gpu.gemm;

import java.util.List;
import org.sparkao.gpu.module.KernelLibrary;

/**
 * The launchers of {@code gemm_decode} and {@code gemm_int4}, on Hopper. Every product is a
 * dependent launch: weights, their scales and bias are read before its predecessor is done, X and
 * its scales after.
 */
public final class CudaDecodeGemm implements DecodeGemm {
  private static final String FAMILY = "decode";

  private final CudaDenseDecode dense;
  private final CudaInt4Decode int4;

  /**
   * On the device of a library.
   *
   * @throws org.sparkao.gpu.GpuException when it is no Hopper
   */
  public CudaDecodeGemm(KernelLibrary library) {
    GemmKernels.requireHopper(library);
    this.dense = new CudaDenseDecode(library);
    this.int4 = new CudaInt4Decode(library);
  }

  @Override
  public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
    GemmChecks.single(gemm, matrix);
    return gemm.operands() instanceof Int4Operands operands
        ? int4.prepare(gemm, operands, List.of(matrix))
        : dense.prepare(gemm, List.of(matrix));
  }

  @Override
  public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    GemmChecks.gated(gemm, gate, up);
    return gemm.operands() instanceof Int4Operands operands
        ? int4.prepare(gemm, operands, List.of(gate, up))
        : dense.prepare(gemm, List.of(gate, up));
  }

  @Override
  public void multiply(GemmWeights weights, GemmCall call) {
    Gemm gemm = weights.gemm();
    GemmChecks.decodeRows(gemm, call.m());
    GemmChecks.call(gemm, call);
    if (gemm.operands() instanceof Int4Operands operands) {
      int4.multiply(GemmKernels.require(weights, TileLayout.Int4.class, FAMILY), operands, call);
    } else {
      dense.multiply(GemmKernels.require(weights, TileLayout.Decode.class, FAMILY), call);
    }
  }

  @Override
  public String plan(GemmWeights weights, int m) {
    Gemm gemm = weights.gemm();
    return gemm.operands() instanceof Int4Operands operands
        ? int4.plan(gemm, operands, m)
        : dense.plan(GemmKernels.require(weights, TileLayout.Decode.class, FAMILY), m);
  }
}
