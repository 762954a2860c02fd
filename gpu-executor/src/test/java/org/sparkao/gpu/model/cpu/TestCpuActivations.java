package org.sparkao.gpu.model.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.model.ExecutionForm.Activations;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;

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
}
