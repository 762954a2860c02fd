package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;

/** A bare file as the checkpoint, and ranges that layers share. */
class TestQuantizeFiles {
  private static final String MODEL = "model.safetensors";
  private static SparkLease spark;

  private final Command command = new Command();
  @TempDir private Path temp;

  @BeforeAll
  static void startSpark() {
    spark = Command.spark(List.of());
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  /** The file that compressed-tensors wrote, with and without a config beside the source. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "FP8 | FP8 | false",
        "FP8_BLOCK | FP8_BLOCK | true",
        "FP8_DYNAMIC | FP8_DYNAMIC | false",
        "MXFP4 | MXFP4 | true",
        "MXFP8 | MXFP8 | false",
        "NVFP4 | NVFP4 | true",
        "W2A16 | W2A16 | false",
        "W3A16_G32 | W3A16(group_size=32) | true",
        "W4A16 | W4A16 | false",
        "W4A16_ASYM | W4A16(symmetric=false) | true",
        "W4A16_CHANNEL | W4A16(group_size=-1) | false",
        "W4A16_G32 | W4A16(group_size=32) | true",
        "W4A8 | W4A8(format=int-quantized) | false",
        "W8A8 | W8A8 | true",
        "W8_TENSOR | W8A16(granularity=tensor) | false",
      })
  void bareFileBecomesWhatTheReferenceWrote(String golden, String scheme, boolean config)
      throws IOException {
    Path folder = Path.of(System.getProperty("sparkao.shared", "none"), "golden", "schemes");
    assumeTrue(Files.isDirectory(folder), "golden data is not here");
    Path expected = folder.resolve(golden).resolve("expected.safetensors");
    Set<String> modules =
        alone(expected, "expected").keySet().stream()
            .map(name -> name.replaceAll("\\.[^.]+$", ""))
            .collect(Collectors.toSet());
    Map<String, Stored> weights = alone(folder.resolve("input.safetensors"), "input");
    weights.keySet().removeIf(name -> !modules.contains(name.replaceAll("\\.weight$", "")));
    Path source = Files.createDirectories(temp.resolve("source"));
    Path file = source.resolve("any-name.safetensors");
    Checkpoints.writeTensors(file, weights);
    // Another file in the folder is none of its business.
    Files.writeString(source.resolve("tokenizer.json"), "{}");
    if (config) {
      Files.writeString(source.resolve("config.json"), "{\"model_type\": \"llama\"}");
    }
    Path output = temp.resolve("output");

    ExitCode code =
        command.quantize(file, output, "--scheme", scheme, "--calibration", expected.toString());

    assertThat(code).as(command.err()).isEqualTo(ExitCode.DONE);
    assertThat(output.resolve(MODEL)).hasSameBinaryContentAs(expected);
    assertThat(output.resolve("tokenizer.json")).doesNotExist();
    assertThat(Files.readString(output.resolve("config.json")))
        .contains("\"quantization_config\"")
        .satisfies(
            text -> assertThat(text.contains("\"model_type\": \"llama\"")).isEqualTo(config));
  }

  /** The global scale of NVFP4 is 448 * 6 / amax, of all layers that a loader fuses. */
  @Test
  void fusedLayersShareTheGlobalScaleOfNvfp4() throws IOException {
    Map<String, Float> amax = new LinkedHashMap<>();
    String experts = "model.layers.0.block_sparse_moe.experts.";
    amax.put(experts + "0.w1", 1f);
    amax.put(experts + "0.w2", 0.5f);
    amax.put(experts + "0.w3", 2f);
    amax.put(experts + "1.w1", 4f);
    amax.put(experts + "1.w2", 8f);
    amax.put(experts + "1.w3", 3f);
    String attention = "model.layers.0.self_attn.";
    amax.put(attention + "kv_a_proj_with_mqa", 0.25f);
    amax.put(attention + "kv_b_proj", 16f);
    amax.put(attention + "q_a_proj", 0.75f);
    Map<String, Stored> weights = new LinkedHashMap<>();
    amax.forEach((module, largest) -> weights.put(module + ".weight", weight(largest)));
    Path file = temp.resolve(MODEL);
    Checkpoints.writeTensors(file, weights);
    Path output = temp.resolve("output");

    ExitCode code = command.quantize(file, output, "--scheme", "NVFP4A16");

    assertThat(code).as(command.err()).isEqualTo(ExitCode.DONE);
    Map<String, Stored> written = Checkpoints.read(output);
    Map<String, Float> shared = new LinkedHashMap<>(amax);
    shared.put(experts + "0.w1", 2f);
    shared.put(experts + "1.w3", 4f);
    shared.put(attention + "kv_a_proj_with_mqa", 0.75f);
    shared.forEach(
        (module, largest) ->
            assertThat(
                    ByteBuffer.wrap(written.get(module + ".weight_global_scale").bytes())
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getFloat())
                .as(module)
                .isEqualTo(448f * 6f / largest));
  }

  private static Stored weight(float largest) {
    float[] weights = new float[32 * 64];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = largest * (i % 16 - 8) / 16;
    }
    weights[77] = -largest;
    return Stored.bf16(List.of(32L, 64L), weights);
  }

  private Map<String, Stored> alone(Path file, String name) throws IOException {
    Path folder = Files.createDirectories(temp.resolve(name));
    Files.copy(file, folder.resolve(MODEL));
    return Checkpoints.read(folder);
  }
}
