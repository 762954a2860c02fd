package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** fp32 products on any device, against doubles and to the bit against a chain of Math.fma. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AbstractTestFp32Gemm {
  private GemmDevice device;
  private Fp32Gemm fp32;

  abstract GemmDevice open();

  abstract Fp32Gemm fp32(GemmDevice on);

  @BeforeAll
  void begin() {
    device = open();
    fp32 = fp32(device);
  }

  @AfterAll
  void end() {
    device.close();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "1, 64, 16",
    "3, 5, 7",
    "65, 63, 33",
    "64, 64, 64",
    "17, 129, 1025",
    "1477, 1601, 44"
  })
  void isAChainOfFusedMultiplyAdds(int m, int n, int k) {
    Random random = new Random(m + n + k);
    float[] x = floats(random, m * k);
    float[] w = floats(random, n * k);
    float[] bias = floats(random, n);
    double[] exact = new double[m * n];
    double[] chain = new double[m * n];
    for (int at = 0; at < exact.length; at++) {
      float sum = 0;
      for (int i = 0; i < k; i++) {
        float a = x[at / n * k + i];
        float b = w[at % n * k + i];
        sum = Math.fma(a, b, sum);
        exact[at] += (double) a * b;
      }
      exact[at] += bias[at % n];
      chain[at] = sum + bias[at % n];
    }
    double[] y = multiply(new Fp32Gemm.Shape(m, n, k), x, w, Optional.of(bias));
    assertThat(y).isEqualTo(chain);
    GemmTolerance.assertWithin(2e-6, y, exact);
  }

  @Test
  void keepsWhatTf32WouldLose() {
    // (1 + 2^-12)^2 - (1 + 2^-11) = 2^-24; TF32 rounds 1 + 2^-12 to 1.
    float[] x = {1 + 0x1p-12f, 1 + 0x1p-11f};
    float[] w = {1 + 0x1p-12f, -1};
    assertThat(multiply(new Fp32Gemm.Shape(1, 1, 2), x, w, Optional.empty())).containsExactly(0);
    float[] reversed = {1 + 0x1p-11f, 1 + 0x1p-12f};
    float[] minus = {-1, 1 + 0x1p-12f};
    assertThat(multiply(new Fp32Gemm.Shape(1, 1, 2), reversed, minus, Optional.empty()))
        .containsExactly(0x1p-24);
  }

  @Test
  void refusesAnEmptyProduct() {
    assertThatThrownBy(() -> new Fp32Gemm.Shape(0, 3, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "M, N and K of an fp32 product are positive, and these are 0, 3 and 4; leave an empty"
                + " product out");
  }

  private double[] multiply(Fp32Gemm.Shape shape, float[] x, float[] w, Optional<float[]> bias) {
    try (GemmDevice.Guarded y = device.guarded(4L * shape.m() * shape.n())) {
      fp32.multiply(
          shape, device.floats(x), device.floats(w), bias.map(device::floats), y.buffer());
      return GemmData.decode(ElementType.FP32, y.read());
    }
  }

  private static float[] floats(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
