package org.sparkao.gpu.model.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.model.ExecutionForm.Activations;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

class TestCpuActivations {
  @Test
  void int8CodesByHand() {
    float[] x = {9, 127.5f, -127.5f, 0.5f, 1.5f, -2.5f};
    assertThat(new CpuActivations(Activations.INT8_ROW, 0).codes(x, 1, 6)).isEqualTo(1);
    assertThat(x).containsExactly(9, 127, -128, 0, 2, -2);
  }

  @Test
  void fp8CodesAreThoseOfTheFormat() {
    float[] x = new float[5000];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) ((i % 2 == 0 ? 1 : -1) * Math.pow(2, -12 + i * 22.0 / x.length));
    }
    float[] found = x.clone();
    new CpuActivations(Activations.FP8_STATIC, 0.5f).round(found, 0, found.length);
    for (int i = 0; i < x.length; i++) {
      int code = NumberFormats.E4M3FN.encode(x[i] / 0.5f, Overflow.SATURATE);
      assertThat(found[i]).isEqualTo(0.5f * NumberFormats.E4M3FN.decode(code));
    }
  }

  @Test
  void groupsHaveScalesOfTheirOwn() {
    float[] x = new float[256];
    x[0] = 448;
    x[1] = 1.01f;
    x[128] = 4.48f;
    x[129] = 0.0101f;
    new CpuActivations(Activations.FP8_GROUP, 0).round(x, 0, 256);
    assertThat(x[0]).isEqualTo(448);
    assertThat(x[1]).isEqualTo(1);
    assertThat(x[128]).isEqualTo(4.48f);
    assertThat(x[129]).isCloseTo(0.01f, Offset.offset(1e-8f));
  }

  @Test
  void zerosStay() {
    float[] x = new float[16];
    new CpuActivations(Activations.FP8_ROW, 0).round(x, 0, 16);
    assertThat(x).containsOnly(0);
  }

  /**
   * int8 with a zero point a token, as torchao's 8da4w: scale = (max - min) / 255, zero point =
   * -128 - round(min / scale), both with 0 in the range.
   */
  @Test
  void schemesMayHaveZeroPoints() {
    QuantScheme scheme = Schemes.parse("8DA4W");
    QuantizeRequest weight =
        new QuantizeRequest(
            scheme,
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.TORCHAO,
            WeightAlgorithm.RTN,
            new WeightSpec(2, 64, DType.F32));
    CpuActivations activations =
        CpuActivations.of(
            Activations.SCHEME, new LinearWeight.Quantized(weight, List.of(), List.of()));
    float[] x = new float[70];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) (2 * Math.sin(i) + 0.7);
    }
    float[] found = x.clone();
    activations.round(found, 3, 64);
    double min = 0;
    double max = 0;
    for (int i = 3; i < 67; i++) {
      min = Math.min(min, x[i]);
      max = Math.max(max, x[i]);
    }
    double step = (max - min) / 255;
    double zero = -128 - Math.rint(min / step);
    for (int i = 0; i < x.length; i++) {
      double code = Math.max(-128, Math.min(127, Math.rint(x[i] / step) + zero));
      double expected = i < 3 || i >= 67 ? x[i] : (code - zero) * step;
      assertThat((double) found[i]).isCloseTo(expected, Offset.offset(1e-5));
    }
  }
}
