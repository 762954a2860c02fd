package org.sparkao.gpu.gemm;

import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain Java, sums in double, of weights that are 2:4. */
public final class ReferenceSparseGemm implements PrefillGemm {
  private final PrefillGemm dense = new ReferencePrefillGemm();

  @Override
  public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
    GemmChecks.sparse(gemm);
    GemmChecks.single(gemm, matrix);
    SparseTiles.check(gemm, CpuDevice.bytes(matrix.codes()));
    return new ReferenceWeights(gemm, List.of(new ReferenceMatrix(gemm, matrix, false)));
  }

  @Override
  public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    throw GemmChecks.sparseGate(gemm);
  }

  @Override
  public long workspaceBytes(Gemm gemm, int m) {
    return dense.workspaceBytes(gemm, m);
  }

  @Override
  public void multiply(GemmWeights weights, GemmCall call, Buffer workspace) {
    dense.multiply(weights, call, workspace);
  }

  @Override
  public String plan(GemmWeights weights, int m) {
    return dense.plan(weights, m);
  }
}
