package org.sparkao.gpu.gemm;

import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;

/**
 * Prefill on every GPU that kernels run on; on Hopper {@link CudaPrefillGemm} is faster. int4
 * weights are not rounded to the type of X here. The workspace is not used: plans hold for both.
 */
public final class CudaPortablePrefillGemm implements PrefillGemm {
  private final CudaPortableGemm portable;

  /** On the device of a library. */
  public CudaPortablePrefillGemm(KernelLibrary library) {
    this.portable = new CudaPortableGemm(library);
  }

  @Override
  public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
    GemmChecks.prefill(gemm);
    GemmChecks.single(gemm, matrix);
    return portable.prepare(gemm, List.of(matrix));
  }

  @Override
  public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    GemmChecks.prefill(gemm);
    GemmChecks.gated(gemm, gate, up);
    return portable.prepare(gemm, List.of(gate, up));
  }

  @Override
  public long workspaceBytes(Gemm gemm, int m) {
    return PrefillTiles.bytes(m, gemm.k(), gemm.operands().x());
  }

  @Override
  public void multiply(GemmWeights weights, GemmCall call, Buffer workspace) {
    GemmChecks.call(weights.gemm(), call);
    GemmChecks.workspace(weights.gemm(), workspace, workspaceBytes(weights.gemm(), call.m()));
    portable.multiply(weights, call, PortableFamily.PREFILL);
  }

  @Override
  public String plan(GemmWeights weights, int m) {
    return CudaPortableGemm.function(weights.gemm(), PortableFamily.PREFILL);
  }
}
