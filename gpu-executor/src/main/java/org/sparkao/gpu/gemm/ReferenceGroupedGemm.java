package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain Java, sums in double: one product an expert. */
public final class ReferenceGroupedGemm implements GroupedGemm {
  private record Experts(Gemm gemm, List<ReferenceWeights> all) implements GemmWeights {
    @Override
    public long bytes() {
      return all.stream().mapToLong(ReferenceWeights::bytes).sum();
    }

    @Override
    public void close() {
      // Memory is the garbage collector's.
    }
  }

  @Override
  public GemmWeights prepare(Gemm gemm, List<WeightMatrix> experts) {
    GroupedGemm.check(gemm);
    GemmChecks.experts(gemm, experts);
    return new Experts(
        gemm,
        experts.stream()
            .map(m -> new ReferenceWeights(gemm, List.of(new ReferenceMatrix(gemm, m, false))))
            .toList());
  }

  @Override
  public void multiply(GemmWeights weights, GroupedCall call) {
    Experts experts = (Experts) weights;
    Gemm gemm = weights.gemm();
    call.check(gemm, experts.all.size());
    ByteBuffer offsets = CpuDevice.bytes(call.offsets());
    for (int e = 0; e < experts.all.size(); e++) {
      int first = offsets.getInt(Integer.BYTES * e);
      int count = offsets.getInt(Integer.BYTES * (e + 1)) - first;
      if (count > 0) {
        ReferenceProduct.multiply(experts.all.get(e), rows(gemm, call, first, count), "reference");
      }
    }
  }

  private static GemmCall rows(Gemm gemm, GroupedCall call, int first, int count) {
    Optional<Buffer> scales =
        call.scalesOfX()
            .map(
                all ->
                    all.slice(
                        Float.BYTES * gemm.scalesOfX(1) * first,
                        Float.BYTES * gemm.scalesOfX(count)));
    return new GemmCall(
        count,
        call.x().slice(gemm.bytesOfX(1) * first, gemm.bytesOfX(count)),
        scales,
        Optional.empty(),
        call.y().slice(gemm.bytesOfY(1) * first, gemm.bytesOfY(count)));
  }
}
