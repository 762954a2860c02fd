package org.sparkao.gpu.gemm;

import java.util.List;
import org.sparkao.gpu.device.Buffer;

/**
 * Plain Java, sums in double; int4 weights are rounded to a 16-bit type of X, as the kernels do.
 */
public final class ReferencePrefillGemm implements PrefillGemm {
  @Override
  public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
    GemmChecks.prefill(gemm);
    GemmChecks.single(gemm, matrix);
    return new ReferenceWeights(gemm, List.of(new ReferenceMatrix(gemm, matrix, true)));
  }

  @Override
  public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    GemmChecks.prefill(gemm);
    GemmChecks.gated(gemm, gate, up);
    return new ReferenceWeights(
        gemm, List.of(new ReferenceMatrix(gemm, gate, true), new ReferenceMatrix(gemm, up, true)));
  }

  @Override
  public long workspaceBytes(Gemm gemm, int m) {
    return PrefillTiles.bytes(m, gemm.k(), gemm.operands().x());
  }

  @Override
  public void multiply(GemmWeights weights, GemmCall call, Buffer workspace) {
    GemmChecks.workspace(weights.gemm(), workspace, workspaceBytes(weights.gemm(), call.m()));
    ReferenceProduct.multiply(weights, call, "reference");
  }

  @Override
  public String plan(GemmWeights weights, int m) {
    return "plain loops";
  }
}
