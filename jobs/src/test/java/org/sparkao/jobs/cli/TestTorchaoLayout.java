package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.model.HostDequantizer;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.DType;

/** Layout torchao from the command line (golden/README.md, torchao-checkpoints). */
class TestTorchaoLayout {
  private static final ObjectMapper JSON = new ObjectMapper();
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

  private static Path golden() {
    return Command.golden("torchao-checkpoints");
  }

  private void verified(Path folder) {
    assertThat(command.run("verify", "--checkpoint", folder.toString()))
        .as(command.out() + command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(command.out()).doesNotContain("error").doesNotContain("warning");
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-int8dyn", "llama-8da4w_g32"})
  void checkpointsOfTransformersAreVerified(String folder) {
    verified(golden().resolve(folder));
  }

  /** Codes less zero points times scales, by a loop: fp32 product, rounded to bf16. */
  @ParameterizedTest
  @ValueSource(strings = {"llama-fqn_mixed", "llama-float8wo"})
  void isReadAsASource(String folder) throws IOException {
    Path output = temp.resolve("output");
    assertThat(
            command.quantize(
                golden().resolve(folder),
                output,
                "--scheme",
                "FP8_DYNAMIC",
                "--skip",
                "self_attn",
                "--skip",
                "up_proj",
                "--skip",
                "gate_proj"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Map<String, Stored> stored = Checkpoints.read(golden().resolve(folder));
    Map<String, Stored> read = Checkpoints.read(output);
    assertThat(read.keySet()).noneMatch(name -> name.contains("_weight_"));
    assertThat(read).containsKey("model.layers.0.mlp.down_proj.weight_scale");
    WeightLookup weights = weights(golden().resolve(folder));
    for (String module : List.of("self_attn.o_proj", "mlp.up_proj")) {
      String name = "model.layers.1." + module;
      int n = module.equals("mlp.up_proj") ? 384 : 128;
      byte[] expected = dequantized(stored, name);
      assertThat(read.get(name + ".weight").bytes()).isEqualTo(expected);
      ByteBuffer evaluated = ByteBuffer.allocate(expected.length);
      HostDequantizer.of(weights.linear(name, n, 128)).bf16(0, n, evaluated);
      assertThat(evaluated.array()).isEqualTo(expected);
    }
    assertThat(weights.linear("lm_head", 256, 128).form()).isInstanceOf(LinearWeight.Plain.class);
  }

  /** What evaluate computes with. */
  private static WeightLookup weights(Path folder) throws IOException {
    LocalFiles files = LocalFiles.of(folder);
    return WeightLookups.of(Checkpoint.open(files), files);
  }

  private static byte[] dequantized(Map<String, Stored> stored, String module) {
    Stored codes = stored.get(module + "._weight_qdata");
    Stored scales = stored.get(module + "._weight_scale");
    int k = (int) (long) codes.shape().get(1);
    int groups = (int) (long) scales.shape().get(1);
    byte[] out = new byte[2 * codes.bytes().length];
    for (int i = 0; i < codes.bytes().length; i++) {
      int at = i / k * groups + i % k / (k / groups);
      float scale =
          switch (scales.dtype()) {
            case BF16 ->
                Float.intBitsToFloat(
                    (scales.bytes()[2 * at] & 0xFF) << 16 | scales.bytes()[2 * at + 1] << 24);
            default ->
                ByteBuffer.wrap(scales.bytes()).order(ByteOrder.LITTLE_ENDIAN).getFloat(4 * at);
          };
      byte code = codes.bytes()[i];
      float value = codes.dtype() == DType.I8 ? code : e4m3(code & 0xFF);
      int bits = Float.floatToRawIntBits(value * scale);
      int rounded = bits + 0x7FFF + (bits >>> 16 & 1) >>> 16;
      out[2 * i] = (byte) rounded;
      out[2 * i + 1] = (byte) (rounded >>> 8);
    }
    return out;
  }

  private static float e4m3(int code) {
    int exponent = code >> 3 & 15;
    float fraction = (code & 7) / 8f;
    float size = exponent == 0 ? Math.scalb(fraction, -6) : Math.scalb(1 + fraction, exponent - 7);
    return code > 127 ? -size : size;
  }

  @Test
  void whatTheLayoutCannotHoldIsRefused() {
    refused("FP8_DYNAMIC", "layout torchao holds integers by row or group");
    refused("NVFP4A16", "layout torchao holds integers by row or group");
    assertThat(
            command.quantize(
                golden().resolve("llama"),
                temp.resolve("refused"),
                "--layout",
                "torchao",
                "--scheme",
                "W4A16(group_size=32)",
                "--rule",
                "lm_head=W8A16(group_size=-1)"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("lm_head: transformers leaves output heads as they are");
    assertThat(temp.resolve("refused")).doesNotExist();
  }

  private void refused(String scheme, String message) {
    Path output = temp.resolve("refused");
    assertThat(
            command.quantize(
                golden().resolve("llama"), output, "--layout", "torchao", "--scheme", scheme))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains(message);
    assertThat(output).doesNotExist();
  }

  /** A source whose header describes nothing, and one without its scales. */
  @Test
  void sourcesThatNobodyCouldReadAreRefused() throws IOException {
    Path source = golden().resolve("llama-intx4_g32");
    Path bare = Files.createDirectories(temp.resolve("bare"));
    Files.copy(source.resolve("config.json"), bare.resolve("config.json"));
    Checkpoints.writeTensors(bare.resolve("model.safetensors"), Checkpoints.read(source));
    assertThat(command.quantize(bare, temp.resolve("none"), "--scheme", "FP8_DYNAMIC"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains("_weight_qdata in model.safetensors: is not described under");
    assertThat(command.run("verify", "--checkpoint", bare.toString())).isNotEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains("is not described in the header of its file");
  }

  /** Several files: each lists all tensors of the checkpoint. */
  @Test
  void everyFileListsAllTensors() throws IOException {
    Path output = temp.resolve("output");
    assertThat(
            command.quantize(
                golden().resolve("llama"),
                output,
                "--layout",
                "torchao",
                "--scheme",
                "W4A16(group_size=32)",
                "--max-shard-size",
                "100kB"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    List<Path> files;
    try (var list = Files.list(output)) {
      files = list.filter(path -> path.toString().endsWith(".safetensors")).toList();
    }
    assertThat(files).hasSizeGreaterThan(1);
    for (Path file : files) {
      byte[] bytes = Files.readAllBytes(file);
      ObjectNode header =
          (ObjectNode) JSON.readTree(bytes, 8, (bytes[0] & 0xFF) + 256 * (bytes[1] & 0xFF));
      JsonNode names = JSON.readTree(header.path("__metadata__").path("tensor_names").asText());
      assertThat(names).hasSize(21);
    }
    verified(output);
  }
}
