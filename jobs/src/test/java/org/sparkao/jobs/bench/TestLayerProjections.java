package org.sparkao.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmCall;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.layer.AttentionShape;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.LayerOperators;

/** Weights of {@code bench layer} where memory ends before all of them are prepared. */
class TestLayerProjections {
  /** The third product has no room: the second copy is half made. */
  @Test
  void giveBackWhatWasPrepared() {
    try (CpuDevice cpu = CpuDevice.open()) {
      LayerOperators whole = LayerOperators.reference(cpu);
      Products products = new Products(3);
      LayerOperators operators =
          new LayerOperators(cpu, whole.quantizer(), products, whole.heads(), whole.attention());
      AttentionShape shape = new AttentionShape(64, new HeadShape(2, 1, 64));
      assertThatThrownBy(() -> new LayerProjections(operators, shape, 2))
          .isInstanceOf(OutOfDeviceMemoryException.class);
      assertThat(products.open).isEmpty();
      assertThat(products.made).isEqualTo(3);
      assertThat(cpu.budget().inUse()).isZero();
    }
  }

  /** Prepares so many, and no more. */
  private static final class Products implements DecodeGemm {
    private final int most;
    private final List<GemmWeights> open = new ArrayList<>();
    private int made;

    Products(int most) {
      this.most = most;
    }

    @Override
    public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
      if (made == most) {
        throw new OutOfDeviceMemoryException("full");
      }
      made++;
      GemmWeights weights =
          new GemmWeights() {
            @Override
            public Gemm gemm() {
              return gemm;
            }

            @Override
            public long bytes() {
              return 0;
            }

            @Override
            public void close() {
              open.remove(this);
            }
          };
      open.add(weights);
      return weights;
    }

    @Override
    public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void multiply(GemmWeights weights, GemmCall call) {
      throw new UnsupportedOperationException();
    }

    @Override
    public String plan(GemmWeights weights, int m) {
      throw new UnsupportedOperationException();
    }
  }
}
