package org.sparkao.gpu.fake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.model.GoldenFile;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;

/**
 * Linear layers under torchao's fake quantizers: x [10, 128], w [32, 128]. torchao's float8 fakes
 * let gradients into the scale; ours go straight through, so that only their numbers are compared.
 */
class TestGoldenFakes {
  private static final int N = 32;
  private static final int K = 128;
  private static final int M = 10;
  private static final float TOLERANCE = 2e-5f;

  private static GoldenFile golden;

  @BeforeAll
  static void read() {
    Optional<Path> found = GoldenFile.shared("golden/algorithms");
    assumeTrue(found.isPresent(), "no ../shared/golden");
    golden = GoldenFile.read(found.get().resolve("qat.safetensors"));
  }

  @ParameterizedTest
  @CsvSource({
    "8da4w_g32_qatconfig, 8DA4W, true",
    "8da4w_g32_legacy, 8DA4W, true",
    "intxwo_int4_g32_qatconfig, W4A16(group_size=32), true",
    "intxwo_int2_row_qatconfig, W2A16(group_size=-1), true",
    "float8dyn_row_qatconfig, FP8_DYNAMIC, false"
  })
  void linearLayer(String name, String scheme, boolean straightThrough) {
    SchemeFakes fakes =
        FakeCase.fakes(scheme, Numerics.TORCHAO, DType.F32, FakeSettings.Ranges.COMPUTED);
    HostTensor w = FakeCase.tensor(N, K, golden.floats("w.f32"));
    HostTensor x = FakeCase.tensor(M, K, golden.floats("x.f32"));
    WeightFake weight = fakes.weight("m", w).orElseThrow();
    Optional<ActivationFake> activation = fakes.activation("m", K);
    HostTensor fakeWeight = FakeCase.zeros(N, K);
    weight.forward(w, fakeWeight);
    assertThat(fakeWeight.toFloats()).containsExactly(golden.floats(name + ".f32.w_fq"));
    HostTensor fakeX = x;
    if (activation.isPresent()) {
      fakeX = FakeCase.zeros(M, K);
      activation.get().forward(x, fakeX);
      assertThat(fakeX.toFloats()).containsExactly(golden.floats(name + ".f32.x_fq"));
    }
    float[] wf = fakeWeight.toFloats();
    float[] xf = fakeX.toFloats();
    assertClose(product(xf, wf), golden.floats(name + ".f32.y"));
    if (!straightThrough) {
      return;
    }
    float[] dy = golden.floats("grad_y.f32");
    HostTensor dx = FakeCase.tensor(M, K, inputGradient(dy, wf));
    activation.ifPresent(fake -> fake.backward(x, dx));
    assertClose(dx.toFloats(), golden.floats(name + ".f32.grad_x"));
    HostTensor dw = FakeCase.tensor(N, K, weightGradient(dy, xf));
    weight.backward(w, dw);
    assertClose(dw.toFloats(), golden.floats(name + ".f32.grad_w"));
  }

  @ParameterizedTest
  @CsvSource({
    "8da4w_g32_qatconfig, 8DA4W",
    "intxwo_int4_g32_qatconfig, W4A16(group_size=32)",
    "intxwo_int2_row_qatconfig, W2A16(group_size=-1)",
    "float8dyn_row_qatconfig, FP8_DYNAMIC"
  })
  void weightsStoredInBf16(String name, String scheme) {
    SchemeFakes fakes =
        FakeCase.fakes(scheme, Numerics.TORCHAO, DType.BF16, FakeSettings.Ranges.COMPUTED);
    HostTensor w = FakeCase.tensor(N, K, bf16("w.bf16"));
    HostTensor fake = FakeCase.zeros(N, K);
    fakes.weight("m", w).orElseThrow().forward(w, fake);
    assertThat(fake.toFloats()).containsExactly(bf16(name + ".bf16.w_fq"));
  }

  @Test
  void inputsOfFloat8WithInt4Weights() {
    SchemeFakes fakes =
        FakeCase.fakes("W4AFP8", Numerics.TORCHAO, DType.F32, FakeSettings.Ranges.COMPUTED);
    HostTensor x = FakeCase.tensor(M, K, golden.floats("x.f32"));
    HostTensor fake = FakeCase.zeros(M, K);
    fakes.activation("m", K).orElseThrow().forward(x, fake);
    assertThat(fake.toFloats()).containsExactly(golden.floats("float8_int4_qatconfig.f32.x_fq"));
  }

  @Test
  void rangeLearning() {
    String name = "range_learning_int4_g32.f32";
    SchemeFakes fakes =
        FakeCase.fakes(
            "W4A16(group_size=32)", Numerics.TORCHAO, DType.F32, FakeSettings.Ranges.LEARNED);
    HostTensor w = FakeCase.tensor(N, K, golden.floats("w.f32"));
    float[] x = golden.floats("x.f32");
    WeightFake weight = fakes.weight("m", w).orElseThrow();
    assertThat(weight.parameters()).hasSize(1);
    assertThat(weight.parameters().get(0).name()).isEqualTo("m.weight_scale");
    assertThat(weight.parameters().get(0).value().toFloats())
        .containsExactly(golden.floats(name + ".scale"));
    HostTensor fake = FakeCase.zeros(N, K);
    weight.forward(w, fake);
    assertClose(product(x, fake.toFloats()), golden.floats(name + ".y"));
    HostTensor dw = FakeCase.tensor(N, K, weightGradient(golden.floats("grad_y.f32"), x));
    weight.backward(w, dw);
    assertClose(dw.toFloats(), golden.floats(name + ".grad_w"));
    assertClose(
        weight.parameters().get(0).gradient().toFloats(), golden.floats(name + ".grad_scale"));
  }

  /** x [M, K] times w [N, K] transposed. */
  private static float[] product(float[] x, float[] w) {
    float[] y = new float[M * N];
    for (int i = 0; i < y.length; i++) {
      double sum = 0;
      for (int k = 0; k < K; k++) {
        sum += (double) x[i / N * K + k] * w[i % N * K + k];
      }
      y[i] = (float) sum;
    }
    return y;
  }

  private static float[] inputGradient(float[] dy, float[] w) {
    float[] dx = new float[M * K];
    for (int i = 0; i < dx.length; i++) {
      double sum = 0;
      for (int n = 0; n < N; n++) {
        sum += (double) dy[i / K * N + n] * w[n * K + i % K];
      }
      dx[i] = (float) sum;
    }
    return dx;
  }

  private static float[] weightGradient(float[] dy, float[] x) {
    float[] dw = new float[N * K];
    for (int i = 0; i < dw.length; i++) {
      double sum = 0;
      for (int m = 0; m < M; m++) {
        sum += (double) dy[m * N + i / K] * x[m * K + i % K];
      }
      dw[i] = (float) sum;
    }
    return dw;
  }

  private static void assertClose(float[] found, float[] expected) {
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    float bound = TOLERANCE * largest;
    assertThat(found)
        .usingElementComparator((a, b) -> Math.abs(a - b) <= bound ? 0 : 1)
        .containsExactly(expected);
  }

  private static float[] bf16(String name) {
    byte[] bytes = golden.bytes(name);
    float[] values = new float[bytes.length / 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = WeightType.BF16.read(bytes, 2 * i);
    }
    return values;
  }
}
