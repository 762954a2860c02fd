package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.scheme.Numerics;

/** {@code quantize} with scales that training learned. */
class TestLearnedScales {
  private static final String SCHEME = "W4A16(group_size=64)";
  private static final String MODULE = "model.layers.0.mlp.down_proj";
  private static final int ROWS = 128;
  private static final int COLUMNS = 256;

  /** A quarter of a bf16 power of two, so that quotients are exact. */
  private static final float SCALE = 0.25f;

  private final Command command = new Command();
  @TempDir private Path temp;

  @Test
  void areTakenAsTheyAre() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    Path computed = temp.resolve("computed");
    assertThat(command.quantize(source, computed, "--scheme", SCHEME))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    write(source.resolve(ScalesFile.NAME), SCHEME, ROWS * COLUMNS / 64);

    Path output = temp.resolve("output");
    assertThat(command.quantize(source, output, "--scheme", SCHEME))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);

    assertThat(command.out()).contains("scales of 1 weights were learned: " + source);
    Map<String, Stored> before = Checkpoints.read(computed);
    Map<String, Stored> after = Checkpoints.read(output);
    after.forEach(
        (name, tensor) -> {
          if (!name.startsWith(MODULE)) {
            assertThat(tensor.bytes()).as(name).isEqualTo(before.get(name).bytes());
          }
        });
    assertCodes(Checkpoints.read(source).get(MODULE + ".weight"), after);
    assertThat(
            TableReader.rows(temp.resolve("tables"), TensorRow.TABLE).stream()
                .filter(row -> row.text("module").equals(MODULE))
                .map(row -> row.text("algorithm")))
        .containsExactlyInAnyOrder("rtn", "learned");
  }

  /** code = clamp(rint(weight / scale)), eight codes an int32, each plus 8. */
  private static void assertCodes(Stored weight, Map<String, Stored> output) {
    ByteBuffer weights = ByteBuffer.wrap(weight.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer codes =
        ByteBuffer.wrap(output.get(MODULE + ".weight_packed").bytes())
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
      float value = Float.intBitsToFloat(weights.getShort(2 * i) << 16);
      int code = (codes.getInt(i / 8 * 4) >>> i % 8 * 4 & 15) - 8;
      double expected = Math.max(-8, Math.min(7, Math.rint((double) value / SCALE)));
      assertThat((double) code).isEqualTo(expected);
    }
    ByteBuffer scales =
        ByteBuffer.wrap(output.get(MODULE + ".weight_scale").bytes())
            .order(ByteOrder.LITTLE_ENDIAN);
    while (scales.hasRemaining()) {
      assertThat(Float.intBitsToFloat(scales.getShort() << 16)).isEqualTo(SCALE);
    }
  }

  @Test
  void areRefusedWhereTheyDoNotBelong() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    Path file = temp.resolve("learned.safetensors");
    write(file, SCHEME, ROWS * COLUMNS / 64);
    assertThat(dryRun(source, "W8A16(group_size=64)", file)).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            file + ": the scales of " + MODULE + " were learned under " + SCHEME,
            "W8A16(group_size=64), numerics compressed-tensors is asked");
    assertThat(dryRun(source, SCHEME, file, "--skip", "down_proj")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains("scales of " + MODULE + " were learned, and this recipe does not quantize them");
    assertThat(dryRun(source, SCHEME, file, "--algorithm", "mse")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("algorithm mse chooses scales of its own");
    assertThat(dryRun(source, SCHEME, file, "--algorithm", "gptq")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains("algorithm gptq chooses scales of its own", "--scales none to compute scales");
    Path other = temp.resolve("other.safetensors");
    write(other, SCHEME, 64);
    assertThat(dryRun(source, SCHEME, other)).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("are BF16 [64], and a weight BF16 [128, 256] has 512");
    assertThat(dryRun(source, SCHEME, source.resolve("model.safetensors")))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("it holds no learned scales");
    assertThat(dryRun(source, SCHEME, Path.of("none"))).as(command.err()).isEqualTo(ExitCode.DONE);
    assertThat(Files.exists(temp.resolve("output"))).isFalse();
  }

  private ExitCode dryRun(Path source, String scheme, Path scales, String... more) {
    List<String> args =
        new ArrayList<>(List.of("--scheme", scheme, "--scales", scales.toString(), "--dry-run"));
    args.addAll(List.of(more));
    return command.quantize(source, temp.resolve("output"), args.toArray(String[]::new));
  }

  private static void write(Path file, String scheme, int count) throws IOException {
    float[] scales = new float[count];
    Arrays.fill(scales, SCALE);
    Map<String, ModuleScales> modules = new LinkedHashMap<>();
    modules.put(
        MODULE,
        new ModuleScales(
            scheme, Numerics.COMPRESSED_TENSORS, DType.BF16, new GivenScales(scales, new int[0])));
    try (FileSink sink = FileSink.create(file)) {
      ScalesFile.write(sink, modules);
    }
  }
}
