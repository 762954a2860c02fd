package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.quant.safetensors.DType;

/**
 * Layers with a stored scale for their inputs, in the layout that llm-compressor writes, against
 * sums in double over codes that are searched among all there are.
 */
class TestStaticActivations {
  private static final int N = 5;
  private static final int K = 48;
  private static final int ROWS = 3;

  /** The scale of inputs is 2^-4: most of them lie inside of int8's range, some of them outside. */
  private static final float INPUT_SCALE = 0.0625f;

  @TempDir private Path path;

  @ParameterizedTest
  @CsvSource({"int, true", "int, false", "float, true", "float, false"})
  void productIsThatOfTheCodes(String type, boolean vector) throws IOException {
    boolean isInt = type.equals("int");
    float[] x = new OperatorCase(5).numbers(ROWS * K, isInt ? 4 : 12);
    x[0] = 1000;
    x[1] = -1000;
    x[2] = 0.5f * INPUT_SCALE;
    x[3] = 1.5f * INPUT_SCALE;
    int[] codes = new int[N * K];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (i * 37 + 11) % 251 & (isInt ? 0xFF : 0xFE);
    }
    LinearWeight weight = weight(type, codes);
    float[] found = run(vector, weight, x);
    for (int row = 0; row < ROWS; row++) {
      for (int n = 0; n < N; n++) {
        double sum = 0;
        double size = 0;
        for (int k = 0; k < K; k++) {
          int code = codes[n * K + k];
          double w = isInt ? (byte) code : e4m3(code);
          double a = input(x[row * K + k] / INPUT_SCALE, isInt);
          sum += a * w;
          size += Math.abs(a * w);
        }
        double scale = INPUT_SCALE * weightScale(n);
        assertThat(Math.abs(found[row * N + n] - scale * sum))
            .as("row %d, output %d", row, n)
            .isLessThanOrEqualTo(1e-6 * scale * size);
      }
    }
  }

  private static double weightScale(int n) {
    return (n + 1) / 64.0;
  }

  /** The nearest code's value, of two as near the one that is even. */
  private static double input(float scaled, boolean isInt) {
    if (isInt) {
      return Math.max(-128, Math.min(127, Math.rint(scaled)));
    }
    int best = 0;
    for (int code = 0; code < 256; code++) {
      double error = Math.abs(e4m3(code) - scaled);
      double least = Math.abs(e4m3(best) - scaled);
      if (error < least || error == least && code % 2 == 0 && best % 2 == 1) {
        best = code;
      }
    }
    return e4m3(best);
  }

  /** OCP 8-bit formats, table 1: bias 7, no infinities, NaN where all bits but the sign are set. */
  private static double e4m3(int code) {
    int exponent = code >> 3 & 15;
    int mantissa = code & 7;
    double magnitude =
        exponent == 0
            ? mantissa * Math.pow(2, -9)
            : (1 + mantissa / 8.0) * Math.pow(2, exponent - 7);
    return (code & 0x7F) == 0x7F ? Double.NaN : code < 128 ? magnitude : -magnitude;
  }

  private LinearWeight weight(String type, int[] codes) throws IOException {
    String args = "\"num_bits\": 8, \"type\": \"" + type + "\", \"symmetric\": true, ";
    String config =
        QuantizedFolder.config(
                type.equals("int") ? "int-quantized" : "float-quantized",
                args + "\"strategy\": \"channel\"",
                "")
            .replace(
                "\"input_activations\": null",
                "\"input_activations\": {"
                    + args
                    + "\"strategy\": \"tensor\", \"dynamic\": false}");
    int[] scales = new int[2 * N];
    for (int n = 0; n < N; n++) {
      int bits = Float.floatToIntBits((float) weightScale(n)) >>> 16;
      scales[2 * n] = bits & 0xFF;
      scales[2 * n + 1] = bits >>> 8;
    }
    DType dtype = type.equals("int") ? DType.I8 : DType.F8_E4M3;
    return new QuantizedFolder(path)
        .tensor("a.weight", dtype, List.of((long) N, (long) K), codes)
        .tensor("a.weight_scale", DType.BF16, List.of((long) N, 1L), scales)
        .tensor("a.input_scale", DType.BF16, List.of(1L), 0x80, 0x3D)
        .weights(config)
        .linear("a", N, K);
  }

  private static float[] run(boolean vector, LinearWeight weight, float[] x) {
    ProjectionSpec spec = new ProjectionSpec("a", Optional.empty(), After.NOTHING);
    try (CpuDevice device = CpuDevice.open();
        ModelOperators operators =
            vector
                ? new CpuModelOperators(device, 2)
                : new ReferenceModelOperators(device, Arithmetic.FP32);
        Projection projection = operators.project(spec, List.of(weight));
        Buffer in = OperatorCase.put(operators, x);
        Buffer out = device.allocate((long) Float.BYTES * ROWS * N)) {
      assertThat(projection.numerics()).contains("with the stored scale");
      projection.run(Operation.PREFILL, ROWS, in, out);
      return OperatorCase.get(operators, out, ROWS * N);
    }
  }
}
