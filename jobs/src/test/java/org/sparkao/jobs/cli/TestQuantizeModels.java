package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.quant.safetensors.DType;

/** Models that are stored in other ways than a Llama of bf16 on the local disk. */
class TestQuantizeModels {
  private static final int EXPERTS = 2;
  private static final int HIDDEN = 128;
  private static final int INNER = 64;
  private static final String BLOCK = "model.layers.0.mlp.";
  private static final String WEIGHT = "model.layers.0.self_attn.o_proj.weight";

  @TempDir private static Path faults;
  private static SparkLease spark;

  private final Command command = new Command();
  @TempDir private Path temp;

  /** Where the rows of fused experts are. */
  enum Orientation {
    ROWS_FIRST,
    COLUMNS_FIRST
  }

  @BeforeAll
  static void startSpark() {
    spark = Command.spark(RemoteFiles.settings(faults));
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @ParameterizedTest
  @EnumSource
  void fusedExpertsEqualOneTensorAnExpert(Orientation orientation) throws IOException {
    Random random = new Random(5);
    Map<String, Stored> apart = new LinkedHashMap<>();
    float[] gateUp = new float[EXPERTS * 2 * INNER * HIDDEN];
    float[] down = new float[EXPERTS * HIDDEN * INNER];
    for (int e = 0; e < EXPERTS; e++) {
      String expert = BLOCK + "experts." + e + ".";
      apart.put(expert + "gate_proj.weight", matrix(random, INNER, gateUp, 2 * e * INNER));
      apart.put(expert + "up_proj.weight", matrix(random, INNER, gateUp, (2 * e + 1) * INNER));
      float[] one = new float[HIDDEN * INNER];
      matrix(random, HIDDEN * INNER / HIDDEN, one, 0);
      System.arraycopy(one, 0, down, e * one.length, one.length);
      apart.put(
          expert + "down_proj.weight", Stored.bf16(List.of((long) HIDDEN, (long) INNER), one));
    }
    Stored router = Stored.random(random, List.of((long) EXPERTS, (long) HIDDEN), EXPERTS * HIDDEN);
    apart.put(BLOCK + "gate.weight", router);
    Map<String, Stored> fused = new LinkedHashMap<>();
    fused.put(BLOCK + "experts.gate_up_proj", fused(gateUp, 2 * INNER, HIDDEN, orientation));
    fused.put(BLOCK + "experts.down_proj", fused(down, HIDDEN, INNER, orientation));
    fused.put(BLOCK + "gate.weight", router);

    Path one = quantized("apart", apart, "{\"hidden_size\": 128}", "W4A16(group_size=32)");
    Path other = quantized("fused", fused, "{\"hidden_size\": 128}", "W4A16(group_size=32)");

    Map<String, Stored> expected = Checkpoints.read(one);
    // Codes, scale and shape of three layers an expert, and the router.
    assertThat(expected).hasSize(EXPERTS * 3 * 3 + 1);
    assertSame(Checkpoints.read(other), expected);
    assertThat(expected.get(BLOCK + "gate.weight").bytes()).isEqualTo(router.bytes());
    assertThat(config(other).at("/quantization_config/ignore"))
        .extracting(JsonNode::asText)
        .containsExactly("model.layers.0.mlp.gate", "lm_head");
    assertThat(config(other)).isEqualTo(config(one));
  }

  @Test
  void deepSeekSourceAndLayoutGoThereAndBack() throws IOException {
    byte[] codes = new byte[256 * 256];
    new Random(7).nextBytes(codes);
    float[] scales = {0.5f, 2f, 0.25f, 1f};
    float[] weights = new float[codes.length];
    for (int i = 0; i < codes.length; i++) {
      int row = i / 256;
      int column = i % 256;
      // No NaN, and the largest number once in a block: then amax / 448 is the scale.
      if ((codes[i] & 0x7f) == 0x7f || row % 128 == 0 && column % 128 == 0) {
        codes[i] = 0x7e;
      }
      weights[i] = e4m3(codes[i]) * scales[row / 128 * 2 + column / 128];
    }
    ByteBuffer scaleBytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    for (float scale : scales) {
      scaleBytes.putFloat(scale);
    }
    Map<String, Stored> fp8 = new LinkedHashMap<>();
    fp8.put(WEIGHT, new Stored(DType.F8_E4M3, List.of(256L, 256L), codes));
    fp8.put(WEIGHT + "_scale_inv", new Stored(DType.F32, List.of(2L, 2L), scaleBytes.array()));
    Map<String, Stored> bf16 = Map.of(WEIGHT, Stored.bf16(List.of(256L, 256L), weights));
    String fp8Config =
        "{\"torch_dtype\": \"bfloat16\", \"quantization_config\": {\"quant_method\": \"fp8\","
            + " \"fmt\": \"e4m3\", \"activation_scheme\": \"dynamic\","
            + " \"weight_block_size\": [128, 128]}}";

    assertSame(
        Checkpoints.read(quantized("from-fp8", fp8, fp8Config, "W8A8")),
        Checkpoints.read(quantized("from-bf16", bf16, "{}", "W8A8")));

    Path back = quantized("back", bf16, "{}", "FP8_BLOCK", "--layout", "deepseek");
    assertSame(Checkpoints.read(back), fp8);
    assertThat(config(back).at("/quantization_config/quant_method").asText()).isEqualTo("fp8");
    assertThat(config(back).at("/quantization_config/weight_block_size").toString())
        .isEqualTo("[128,128]");
  }

  @Test
  void rulesMixSchemesAndSkips() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(3, 128, 256));
    Path output = temp.resolve("output");
    ExitCode code =
        command.quantize(
            source,
            output,
            "--scheme",
            "W4A16",
            "--rule",
            "down_proj=FP8_DYNAMIC",
            "--skip",
            "layers\\.1\\.");
    assertThat(code).as(command.err()).isEqualTo(ExitCode.DONE);

    JsonNode config = config(output).path("quantization_config");
    assertThat(config.path("format").asText()).isEqualTo("mixed-precision");
    List<String> groups = new ArrayList<>();
    config.path("config_groups").forEach(group -> groups.add(group.path("format").asText()));
    assertThat(groups).containsExactlyInAnyOrder("pack-quantized", "float-quantized");
    assertThat(config.path("ignore"))
        .extracting(JsonNode::asText)
        .hasSize(8)
        .contains("lm_head", "model.layers.1.mlp.down_proj", "model.layers.1.self_attn.q_proj");
    Map<String, Stored> tensors = Checkpoints.read(output);
    assertThat(tensors)
        .containsKeys(
            "model.layers.0.mlp.up_proj.weight_packed", "model.layers.1.mlp.up_proj.weight");
    assertThat(tensors.get("model.layers.2.mlp.down_proj.weight").dtype()).isEqualTo(DType.F8_E4M3);
    assertVerified(output);
  }

  @Test
  void tiedEmbeddingsStayTied() throws IOException {
    Map<String, List<Long>> shapes = Checkpoints.llama(1, 128, 256);
    shapes.remove("lm_head.weight");
    Path source = Checkpoints.write(temp.resolve("source"), shapes);
    Path config = source.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"));
    Path output = temp.resolve("output");
    assertThat(command.quantize(source, output, "--scheme", "W8A8"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);

    Map<String, Stored> tensors = Checkpoints.read(output);
    assertThat(tensors).doesNotContainKey("lm_head.weight");
    String embedding = "model.embed_tokens.weight";
    assertThat(tensors.get(embedding).bytes())
        .isEqualTo(Checkpoints.read(source).get(embedding).bytes());
    assertThat(config(output).path("tie_word_embeddings").asBoolean()).isTrue();
    assertVerified(output);
  }

  @Test
  void anyFileSystemOfHadoopServes() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));
    Path local = temp.resolve("local");
    assertThat(command.quantize(source, local, "--scheme", "W4A16", "--max-shard-size", "100KB"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Path output = temp.resolve("remote/output");
    Path tables = temp.resolve("remote-tables");

    ExitCode code = command.run(remote("remote:" + source, output, tables).toArray(String[]::new));

    assertThat(code).as(command.err()).isEqualTo(ExitCode.DONE);
    Map<String, byte[]> expected = Command.contents(local);
    Map<String, byte[]> found = Command.contents(output);
    // It names its source, which was another.
    assertThat(expected.remove("sparkao.json")).isNotNull();
    assertThat(found.remove("sparkao.json")).isNotNull();
    assertThat(found).containsExactlyEntriesOf(expected).hasSizeGreaterThan(4);
    assertThat(TableReader.statuses(tables)).containsExactly("done");
    assertThat(TableReader.rows(tables, ShardRow.TABLE)).hasSizeGreaterThan(2);
  }

  @Test
  void refusedRunWaitsForItsTasks() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(4, 128, 256));
    Checkpoints.setToNan(source, "model.layers.3.self_attn.v_proj.weight");
    Files.createFile(faults.resolve("part-model-00001#hold"));
    Path output = temp.resolve("output");
    List<String> options = remote(source.toString(), output, temp.resolve("tables"));
    options.addAll(List.of("--non-finite", "fail"));

    ExitCode code = command.run(options.toArray(String[]::new));

    assertThat(code).as(command.err()).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("model.layers.3.self_attn.v_proj.weight");
    // The task told this some seconds after it was cancelled, and then went on to write.
    assertThat(faults.resolve("part-model-00001#ended")).exists();
    assertThat(output).doesNotExist();
    Files.delete(faults.resolve("part-model-00001#hold"));
    Files.delete(faults.resolve("part-model-00001#ended"));
  }

  private static List<String> remote(String source, Path output, Path tables) {
    List<String> options = new ArrayList<>(List.of("quantize", "--checkpoint", source));
    options.addAll(List.of("--output", "remote:" + output, "--tables", tables.toString()));
    options.addAll(List.of("--scheme", "W4A16", "--max-shard-size", "100KB"));
    options.addAll(RemoteFiles.options(faults));
    return options;
  }

  /** A random matrix of {@code HIDDEN} columns, also copied into rows of a larger one. */
  private static Stored matrix(Random random, int rows, float[] all, int rowBegin) {
    float[] weights = new float[rows * HIDDEN];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (random.nextInt(255) - 127) / 128f;
    }
    System.arraycopy(weights, 0, all, rowBegin * HIDDEN, weights.length);
    return Stored.bf16(List.of((long) rows, (long) HIDDEN), weights);
  }

  private static Stored fused(float[] weights, int rows, int columns, Orientation orientation) {
    if (orientation == Orientation.ROWS_FIRST) {
      return Stored.bf16(List.of((long) EXPERTS, (long) rows, (long) columns), weights);
    }
    float[] turned = new float[weights.length];
    for (int e = 0; e < EXPERTS; e++) {
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
          turned[(e * columns + column) * rows + row] =
              weights[(e * rows + row) * columns + column];
        }
      }
    }
    return Stored.bf16(List.of((long) EXPERTS, (long) columns, (long) rows), turned);
  }

  /** Sign, four bits of exponent of bias 7, three of mantissa. */
  private static float e4m3(byte code) {
    int exponent = code >> 3 & 15;
    int mantissa = code & 7;
    float magnitude =
        exponent == 0 ? mantissa / 512f : (8 + mantissa) / 8f * (float) Math.pow(2, exponent - 7);
    return code < 0 ? -magnitude : magnitude;
  }

  private Path quantized(
      String name, Map<String, Stored> tensors, String config, String scheme, String... more)
      throws IOException {
    Path source = Files.createDirectories(temp.resolve(name));
    Checkpoints.writeTensors(source.resolve("model.safetensors"), tensors);
    Files.writeString(source.resolve("config.json"), config);
    Path output = temp.resolve(name + "-quantized");
    List<String> options = new ArrayList<>(List.of("--scheme", scheme));
    options.addAll(List.of(more));
    assertThat(command.quantize(source, output, options.toArray(String[]::new)))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    return output;
  }

  private static void assertSame(Map<String, Stored> found, Map<String, Stored> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, tensor) -> {
          assertThat(found.get(name).dtype()).as(name).isEqualTo(tensor.dtype());
          assertThat(found.get(name).shape()).as(name).isEqualTo(tensor.shape());
          assertThat(found.get(name).bytes()).as(name).isEqualTo(tensor.bytes());
        });
  }

  private void assertVerified(Path output) {
    ExitCode code =
        command.run(
            "verify",
            "--checkpoint",
            output.toString(),
            "--tables",
            output.resolveSibling("tables").toString());
    assertThat(code).as(command.out()).isEqualTo(ExitCode.DONE);
  }

  private static JsonNode config(Path folder) throws IOException {
    return new ObjectMapper().readTree(folder.resolve("config.json").toFile());
  }
}
