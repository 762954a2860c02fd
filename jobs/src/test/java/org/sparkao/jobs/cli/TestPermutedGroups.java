package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.gguf.GgufReader;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.TensorEntry;

/**
 * Weights whose groups are no neighbours: llm-compressor's GPTQ with {@code actorder: group}
 * (golden/README.md, algorithms, gptq), as one weight of a Llama.
 */
class TestPermutedGroups {
  private static final String CASE = "int4_g32_group.";
  private static final String UP = "model.layers.0.mlp.up_proj.";
  private static final int HIDDEN = 128;
  private static final int INNER = 64;

  private static SparkLease spark;

  private final Command command = new Command();
  @TempDir private Path temp;
  private Map<String, Stored> golden;
  private Path checkpoint;

  @BeforeAll
  static void startSpark() {
    spark = Command.spark(List.of());
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @BeforeEach
  void writeCheckpoint() throws IOException {
    golden = tensors(Command.golden("algorithms"), "gptq.safetensors");
    checkpoint = Files.createDirectories(temp.resolve("checkpoint"));
    Map<String, Stored> all = new LinkedHashMap<>();
    Random random = new Random(5);
    shapes().forEach((name, shape) -> all.put(name, random(random, shape)));
    all.remove(UP + "weight");
    for (String part : List.of("packed", "scale", "shape", "g_idx")) {
      all.put(UP + "weight_" + part, golden.get(CASE + "compressed.weight_" + part));
    }
    Checkpoints.writeTensors(checkpoint.resolve("model.safetensors"), all);
    Path llama = Command.golden("gguf").resolve("llama");
    Files.copy(llama.resolve("tokenizer.model"), checkpoint.resolve("tokenizer.model"));
    String config = Files.readString(llama.resolve("config.json")).strip();
    config =
        config
            .replace("\"head_dim\": 64", "\"head_dim\": 32")
            .replace("\"hidden_size\": 256", "\"hidden_size\": " + HIDDEN)
            .replace("\"intermediate_size\": 512", "\"intermediate_size\": " + INNER)
            .replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    Files.writeString(
        checkpoint.resolve("config.json"),
        config.substring(0, config.length() - 1)
            + """
            , "quantization_config": {"quant_method": "compressed-tensors",
              "format": "pack-quantized", "quantization_status": "compressed", "ignore": ["lm_head"],
              "config_groups": {"group_0": {"targets": ["re:.*up_proj$"],
                "input_activations": null, "output_activations": null,
                "weights": {"num_bits": 4, "type": "int", "symmetric": true, "strategy": "group",
                  "group_size": 32, "dynamic": false, "actorder": "group"}}}}}
            """);
  }

  private static Map<String, List<Long>> shapes() {
    Map<String, List<Long>> shapes = new LinkedHashMap<>(Checkpoints.llama(1, HIDDEN, INNER));
    for (String name : List.of("lm_head", "model.embed_tokens")) {
      shapes.put(name + ".weight", List.of(512L, (long) HIDDEN));
    }
    for (String part : List.of("k", "v")) {
      shapes.put("model.layers.0.self_attn." + part + "_proj.weight", List.of(64L, (long) HIDDEN));
    }
    shapes.put("model.layers.0.post_attention_layernorm.weight", List.of((long) HIDDEN));
    return shapes;
  }

  private static Stored random(Random random, List<Long> shape) {
    return Stored.random(
        random, shape, (int) shape.stream().mapToLong(n -> n).reduce(1, (a, b) -> a * b));
  }

  private static Map<String, Stored> tensors(Path folder, String file) throws IOException {
    byte[] bytes = Files.readAllBytes(folder.resolve(file));
    Map<String, Stored> tensors = new LinkedHashMap<>();
    Checkpoint.openFile(LocalFiles.of(folder), file)
        .tensors()
        .forEach(
            tensor -> {
              TensorEntry entry = tensor.entry();
              tensors.put(
                  entry.name(),
                  new Stored(
                      entry.dtype(),
                      entry.shape(),
                      Arrays.copyOfRange(bytes, (int) entry.begin(), (int) entry.end())));
            });
    return tensors;
  }

  /** The numbers are those of llm-compressor; codes in groups of neighbours would be others. */
  @ParameterizedTest
  @EnumSource(
      value = GgufType.class,
      names = {"F32", "Q4_0"})
  void areDequantizedForGguf(GgufType type) throws IOException {
    Path output = temp.resolve("model.gguf");
    assertThat(command.export(checkpoint, output, "--type", type.name(), "--pure"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains("1x W4A16(group_size=32) is dequantized and rounded anew");
    GgufReader.Read read;
    try (FileSource opened = FileSource.open(output)) {
      read = GgufReader.read(opened);
    }
    GgufTensor tensor =
        read.header().tensors().stream()
            .filter(any -> any.name().equals("blk.0.ffn_up.weight"))
            .findFirst()
            .orElseThrow();
    assertThat(tensor.type()).isEqualTo(type);
    float[] weight = new float[INNER * HIDDEN];
    ByteBuffer.wrap(golden.get(CASE + "weight").bytes())
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(weight);
    for (int i = 0; i < weight.length; i++) {
      // Its zeros have the sign of what was rounded to them.
      weight[i] += 0;
    }
    byte[] expected = new byte[(int) tensor.bytes()];
    type.encoder().encode(weight, weight.length, expected);
    int begin = Math.toIntExact(read.dataBegin() + tensor.offset());
    assertThat(Arrays.copyOfRange(Files.readAllBytes(output), begin, begin + expected.length))
        .isEqualTo(expected);
  }

  /** Torchao's tensors have groups of neighbours only. */
  @Test
  void haveNoPlaceInLayoutTorchao() throws IOException {
    Path output = temp.resolve("output");
    assertThat(command.quantize(checkpoint, output, "--layout", "torchao", "--scheme", "W8A16"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("already quantized", "start from the checkpoint before");
    assertThat(output).doesNotExist();

    Path plain = Checkpoints.write(temp.resolve("plain"), Checkpoints.llama(1, HIDDEN, INNER));
    Path calibration =
        new CalibrationFixture(plain, 1, HIDDEN, INNER).write(temp.resolve("calibration"), true);
    assertThat(
            command.quantize(
                plain,
                output,
                "--layout",
                "torchao",
                "--scheme",
                "W4A16(group_size=32)",
                "--algorithm",
                "gptq",
                "--numerics",
                "compressed-tensors",
                "--act-order",
                "group",
                "--calibration",
                calibration.toString()))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("has no place for the groups of --act-order group");
    assertThat(output).doesNotExist();
  }
}
