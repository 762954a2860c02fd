package org.sparkao.jobs.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.calibration.CalibratedInput;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/** stories260k: what q, k and v read, from hidden states that transformers computed. */
class TestGoldenCalibration {
  private static final int HIDDEN = 64;
  private static final int LAYERS = 5;

  /** Hidden states agree to 2e-5; their squares and products to this. */
  private static final float BOUND = 5e-4f;

  @TempDir private Path temp;

  @Test
  void statisticsOfHiddenStatesOfTransformers() throws Exception {
    String shared = System.getProperty("sparkao.shared");
    assumeTrue(shared != null && Files.isDirectory(Path.of(shared, "golden")), "no ../shared");
    Path golden = Path.of(shared, "golden", "llama", "llama.safetensors");
    Path model = Path.of(shared, "models", "stories260k");
    ByteBuffer ids = tensor(golden, "prompt0.input_ids");
    int tokens = ids.remaining() / Integer.BYTES;
    int[] row = new int[tokens];
    ids.asIntBuffer().get(row);
    Path data =
        Files.writeString(
            temp.resolve("tokens.jsonl"),
            Arrays.stream(row)
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(",", "{\"token_ids\": [", "]}")));
    CalibrateFixture.run(
        model,
        data,
        temp.resolve("out"),
        "samples",
        "1",
        "sequence-length",
        Integer.toString(tokens),
        "hessian",
        "true");
    Calibration calibration = CalibrateFixture.open(temp.resolve("out"));
    for (int layer = 0; layer < LAYERS; layer++) {
      String before = layer == 0 ? "embed" : "after_layer" + (layer - 1);
      String name = "model.layers." + layer;
      double[][] x =
          normed(
              floats(tensor(golden, "prompt0.hidden." + before)),
              floats(tensor(model.resolve("model.safetensors"), name + ".input_layernorm.weight")));
      for (String projection : new String[] {"q_proj", "k_proj", "v_proj"}) {
        assertStatistics(calibration, name + ".self_attn." + projection, x);
      }
    }
  }

  private static double[][] normed(float[] hidden, float[] weight) {
    double[][] x = new double[hidden.length / HIDDEN][HIDDEN];
    for (int row = 0; row < x.length; row++) {
      double squares = 0;
      for (int i = 0; i < HIDDEN; i++) {
        squares += hidden[row * HIDDEN + i] * (double) hidden[row * HIDDEN + i];
      }
      for (int i = 0; i < HIDDEN; i++) {
        x[row][i] = hidden[row * HIDDEN + i] / Math.sqrt(squares / HIDDEN + 1e-5) * weight[i];
      }
    }
    return x;
  }

  private static void assertStatistics(Calibration calibration, String module, double[][] x)
      throws IOException {
    CalibratedInput input = calibration.input(module);
    float[] hessian = calibration.hessian(module);
    assertThat(input.tokens()).isEqualTo(x.length);
    for (int i = 0; i < HIDDEN; i++) {
      int column = i;
      double[] values = Arrays.stream(x).mapToDouble(row -> row[column]).toArray();
      double square = Arrays.stream(values).map(v -> v * v).average().orElseThrow();
      double absolute = Arrays.stream(values).map(Math::abs).average().orElseThrow();
      double max = Arrays.stream(values).max().orElseThrow();
      assertThat(input.max()[i]).isCloseTo((float) max, within(BOUND));
      assertThat(input.meanSquare()[i]).isCloseTo((float) square, within(BOUND));
      assertThat(input.meanAbsolute()[i]).isCloseTo((float) absolute, within(BOUND));
      for (int j = 0; j < HIDDEN; j++) {
        int other = j;
        double product = Arrays.stream(x).mapToDouble(row -> row[column] * row[other]).sum();
        assertThat(hessian[i * HIDDEN + j]).isCloseTo((float) (product / x.length), within(BOUND));
      }
    }
  }

  private static float[] floats(ByteBuffer bytes) {
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  private static ByteBuffer tensor(Path file, String name) throws IOException {
    try (ByteSource source = FileSource.open(file)) {
      TensorEntry entry =
          SafetensorsHeader.read(source).entries().stream()
              .filter(one -> one.name().equals(name))
              .findFirst()
              .orElseThrow();
      assertThat(entry.dtype()).isIn(DType.F32, DType.I32);
      byte[] bytes = new byte[(int) entry.bytes()];
      source.readFully(entry.begin(), bytes, 0, bytes.length);
      return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
