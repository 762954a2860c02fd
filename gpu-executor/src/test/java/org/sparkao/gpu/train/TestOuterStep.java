package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

class TestOuterStep {
  /** More than is held at a time. */
  private static final int LONG = 70_000;

  @TempDir private Path folder;

  private Path write(String name, int step, Map<String, float[]> tensors) throws IOException {
    List<TensorSpec> specs = new ArrayList<>();
    tensors.forEach(
        (tensor, values) ->
            specs.add(new TensorSpec(tensor, DType.F32, List.of((long) values.length))));
    Path file = folder.resolve(name);
    Files.deleteIfExists(file);
    try (FileSink sink = FileSink.create(file)) {
      ShardWriter writer =
          new ShardWriter(sink, ShardHeader.of(specs, Map.of("step", Integer.toString(step))));
      for (Map.Entry<String, float[]> tensor : tensors.entrySet()) {
        ByteBuffer bytes =
            ByteBuffer.allocate(4 * tensor.getValue().length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(tensor.getValue());
        writer.append(tensor.getKey(), bytes.array(), 0, bytes.capacity());
      }
      writer.finish();
    }
    return file;
  }

  private float[] read(String name, String tensor) throws IOException {
    try (FileSource source = FileSource.open(folder.resolve(name))) {
      TensorEntry entry =
          SafetensorsHeader.read(source).entries().stream()
              .filter(one -> one.name().equals(tensor))
              .findFirst()
              .orElseThrow();
      byte[] bytes = new byte[(int) entry.bytes()];
      source.readFully(entry.begin(), bytes, 0, bytes.length);
      float[] values = new float[bytes.length / 4];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
      return values;
    }
  }

  private void run(OuterSettings settings, String before, Optional<String> velocity, String suffix)
      throws IOException {
    List<ByteSource> workers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      workers.add(FileSource.open(folder.resolve("worker" + i)));
    }
    try (FileSource from = FileSource.open(folder.resolve(before));
        FileSink to = FileSink.create(folder.resolve("after" + suffix));
        FileSink velocityTo = FileSink.create(folder.resolve("velocity" + suffix))) {
      Optional<ByteSource> moved = Optional.empty();
      if (velocity.isPresent()) {
        moved = Optional.of(FileSource.open(folder.resolve(velocity.get())));
      }
      new OuterStep(settings)
          .run(
              new OuterStep.Inputs(from, moved, workers),
              to,
              settings.hasMomentum() ? Optional.of(velocityTo) : Optional.empty());
    }
  }

  /** Without momentum, at rate 1: the means, of the tensors of this part alone. */
  @Test
  void meansOfWorkers() throws IOException {
    Random random = new Random(1);
    float[][] values = new float[4][LONG];
    for (float[] one : values) {
      for (int i = 0; i < LONG; i++) {
        one[i] = (float) random.nextGaussian();
      }
    }
    write("before", 0, Map.of("a", values[3]));
    for (int i = 0; i < 3; i++) {
      write("worker" + i, 4, Map.of("a", values[i], "b", new float[] {i}));
    }
    run(new OuterSettings(1, 0), "before", Optional.empty(), "1");
    float[] after = read("after1", "a");
    for (int i = 0; i < LONG; i++) {
      float mean = (float) (((double) values[0][i] + values[1][i] + values[2][i]) / 3);
      assertThat(after[i]).isEqualTo(mean);
    }
    try (FileSource source = FileSource.open(folder.resolve("after1"))) {
      SafetensorsHeader header = SafetensorsHeader.read(source);
      assertThat(header.entries()).extracting(TensorEntry::name).containsExactly("a");
      assertThat(header.metadata()).isEqualTo(Map.of("step", "4"));
    }
  }

  /**
   * Workers that are always d below where they began: after n steps of Nesterov's method the
   * velocity is d (1 - m^n) / (1 - m).
   */
  @Test
  void nesterov() throws IOException {
    double m = 0.5;
    double rate = 0.25;
    float[] at = {8};
    write("after0", 0, Map.of("a", at));
    double expected = 8;
    for (int n = 1; n <= 4; n++) {
      for (int i = 0; i < 3; i++) {
        write("worker" + i, n, Map.of("a", new float[] {at[0] - 2 - (i - 1)}));
      }
      String last = Integer.toString(n - 1);
      run(
          new OuterSettings(rate, m),
          "after" + last,
          n == 1 ? Optional.empty() : Optional.of("velocity" + last),
          Integer.toString(n));
      double velocity = 2 * (1 - Math.pow(m, n)) / (1 - m);
      expected -= rate * (2 + m * velocity);
      at = read("after" + n, "a");
      assertThat(read("velocity" + n, "a")).containsExactly((float) velocity);
      assertThat(at).containsExactly((float) expected);
    }
  }

  @Test
  void workersOfAnotherStepAreRefused() throws IOException {
    write("before", 0, Map.of("a", new float[1]));
    for (int i = 0; i < 3; i++) {
      write("worker" + i, i / 2, Map.of("a", new float[1]));
    }
    assertThatThrownBy(() -> run(new OuterSettings(1, 0), "before", Optional.empty(), "1"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("worker2");
  }
}
