package org.sparkao.gpu.gemm;

import java.util.List;
import org.sparkao.gpu.module.KernelLibrary;

/** Decode on every GPU that kernels run on; on Hopper {@link CudaDecodeGemm} is faster. */
public final class CudaPortableDecodeGemm implements DecodeGemm {
  private final CudaPortableGemm portable;

  /** On the device of a library. */
  public CudaPortableDecodeGemm(KernelLibrary library) {
    this.portable = new CudaPortableGemm(library);
  }

  @Override
  public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
    GemmChecks.single(gemm, matrix);
    return portable.prepare(gemm, List.of(matrix));
  }

  @Override
  public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    GemmChecks.gated(gemm, gate, up);
    return portable.prepare(gemm, List.of(gate, up));
  }

  @Override
  public void multiply(GemmWeights weights, GemmCall call) {
    GemmChecks.decodeRows(weights.gemm(), call.m());
    GemmChecks.call(weights.gemm(), call);
    portable.multiply(weights, call, PortableFamily.decode(call.m()));
  }

  @Override
  public String plan(GemmWeights weights, int m) {
    return CudaPortableGemm.function(weights.gemm(), PortableFamily.decode(m));
  }
}
