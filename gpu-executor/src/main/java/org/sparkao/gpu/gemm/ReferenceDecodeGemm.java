package org.sparkao.gpu.gemm;

import java.util.List;

/** Plain Java, sums in double. */
public final class ReferenceDecodeGemm implements DecodeGemm {
  @Override
  public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
    GemmChecks.single(gemm, matrix);
    return new ReferenceWeights(gemm, List.of(new ReferenceMatrix(gemm, matrix, false)));
  }

  @Override
  public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    GemmChecks.gated(gemm, gate, up);
    return new ReferenceWeights(
        gemm,
        List.of(new ReferenceMatrix(gemm, gate, false), new ReferenceMatrix(gemm, up, false)));
  }

  @Override
  public void multiply(GemmWeights weights, GemmCall call) {
    GemmChecks.decodeRows(weights.gemm(), call.m());
    ReferenceProduct.multiply(weights, call, "reference");
  }

  @Override
  public String plan(GemmWeights weights, int m) {
    return "plain loops";
  }
}
