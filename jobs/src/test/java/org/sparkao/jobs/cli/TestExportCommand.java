package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.gguf.GgufReader;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.safetensors.FileSource;

/** Whole GGUF files against those of llama.cpp (golden/README.md, gguf). */
class TestExportCommand {
  @TempDir private static Path faults;
  private static SparkLease spark;

  private final Command command = new Command();
  @TempDir private Path temp;

  @BeforeAll
  static void startSpark() {
    spark = Command.spark(RemoteFiles.settings(faults));
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  private static Path golden() {
    return Command.golden("gguf");
  }

  private byte[] exported(String type, String... more) throws IOException {
    Path output = temp.resolve("model.gguf");
    List<String> args = new ArrayList<>(List.of("--type", type));
    args.addAll(List.of(more));
    assertThat(command.export(golden().resolve("llama"), output, args.toArray(String[]::new)))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(temp.resolve("model.gguf.parts")).doesNotExist();
    return Files.readAllBytes(output);
  }

  @ParameterizedTest
  @CsvSource({
    "convert-bf16, BF16", "convert-f16, F16", "mixed-Q2_K, Q2_K", "mixed-Q3_K_M, Q3_K_M",
    "mixed-Q4_0, Q4_0", "mixed-Q4_K_M, q4_k_m", "mixed-Q5_K_M, Q5_K_M", "mixed-Q8_0, Q8_0"
  })
  void fileIsThatOfLlamaCpp(String name, String type) throws IOException {
    assertThat(exported(type)).isEqualTo(Files.readAllBytes(golden().resolve(name + ".gguf")));
  }

  /** All types are compared by block in quant-lib. */
  @ParameterizedTest
  @CsvSource({"Q4_0", "Q5_1", "IQ4_XS", "TQ2_0"})
  void pureFileIsThatOfLlamaCpp(String type) throws IOException {
    assertThat(exported(type, "--pure"))
        .isEqualTo(Files.readAllBytes(golden().resolve("pure-" + type + ".gguf")));
  }

  /** Tensors and metadata; where llama.cpp says "../text.txt", this says what the matrix does. */
  @ParameterizedTest
  @CsvSource({"Q4_0", "Q4_K_M"})
  void fileWithImportanceIsThatOfLlamaCpp(String type) throws IOException {
    String matrix = golden().resolve("imatrix.gguf").toString();
    assertThat(exported(type, "--imatrix", matrix))
        .isEqualTo(Files.readAllBytes(golden().resolve("imatrix-" + type + ".gguf")));
  }

  /** What calibrate saw weights errors as a matrix of llama-imatrix does. */
  @Test
  void importanceComesFromCalibrateToo() throws IOException {
    Path texts = temp.resolve("texts.txt");
    Files.writeString(texts, "Once upon a time there was a fox. ".repeat(40));
    Path statistics = temp.resolve("statistics");
    assertThat(
            command.run(
                "calibrate",
                "--checkpoint",
                golden().resolve("llama").toString(),
                "--data",
                texts.toString(),
                "--samples",
                "4",
                "--sequence-length",
                "16",
                "--output",
                statistics.toString(),
                "--tables",
                temp.resolve("tables").toString()))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    byte[] file = exported("Q4_0", "--imatrix", statistics.toString());
    GgufReader.Read read;
    try (FileSource opened = FileSource.open(temp.resolve("model.gguf"))) {
      read = GgufReader.read(opened);
    }
    assertThat(read.header().metadata().get("quantize.imatrix.entries_count").content())
        .isEqualTo(14L);
    GgufTensor tensor =
        read.header().tensors().stream()
            .filter(any -> any.name().equals("blk.1.ffn_down.weight"))
            .findFirst()
            .orElseThrow();
    String module = "model.layers.1.mlp.down_proj";
    float[] means = Calibration.open(LocalFiles.of(statistics)).input(module).meanSquare();
    byte[] weights = Checkpoints.read(golden().resolve("llama")).get(module + ".weight").bytes();
    float[] values = new float[weights.length / 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = WeightType.BF16.read(weights, 2 * i);
    }
    byte[] expected = new byte[(int) tensor.bytes()];
    GgufType.Q4_0.encoder(means).encode(values, values.length, expected);
    int begin = Math.toIntExact(read.dataBegin() + tensor.offset());
    assertThat(Arrays.copyOfRange(file, begin, begin + expected.length)).isEqualTo(expected);
    GgufType.Q4_0.encoder().encode(values, values.length, expected);
    assertThat(Arrays.copyOfRange(file, begin, begin + expected.length)).isNotEqualTo(expected);
  }

  @Test
  void whatIsNoImportanceIsRefused() {
    Path output = temp.resolve("refused.gguf");
    for (String matrix : List.of("pure-Q4_0.gguf", "llama", "missing.gguf")) {
      assertThat(
              command.export(
                  golden().resolve("llama"),
                  output,
                  "--type",
                  "Q4_0",
                  "--imatrix",
                  golden().resolve(matrix).toString()))
          .isEqualTo(ExitCode.REFUSED);
      assertThat(command.err())
          .contains(matrix)
          .containsPattern("not imatrix; name|which calibrate writes|there is no such file");
      assertThat(output).doesNotExist();
    }
  }

  /** The file itself is too large to be kept: generation_log.json has its hash. */
  @Test
  void fp32FileHasItsHash() throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(exported("F32"));
    assertThat(HexFormat.of().formatHex(digest))
        .isEqualTo("2ec1f18b735d1b6c44509cd67437935b1ac51b45edb38f40c55888eeab10f053");
  }

  /** Source and output on a file system that only appends. */
  @Test
  void fileSystemsOfHadoopServe() throws IOException {
    List<String> args =
        new ArrayList<>(
            List.of(
                "export",
                "--checkpoint",
                "remote:" + golden().resolve("llama").toRealPath(),
                "--output",
                "remote:" + temp.resolve("remote.gguf"),
                "--type",
                "Q4_0",
                "--run-id",
                "far",
                "--tables",
                temp.resolve("tables").toString()));
    args.addAll(RemoteFiles.options(faults));
    assertThat(command.run(args.toArray(String[]::new))).as(command.err()).isEqualTo(ExitCode.DONE);
    assertThat(Files.readAllBytes(temp.resolve("remote.gguf")))
        .isEqualTo(Files.readAllBytes(golden().resolve("mixed-Q4_0.gguf")));
    assertThat(temp.resolve("remote.gguf.parts")).doesNotExist();
    command.run("runs", "--tables", temp.resolve("tables").toString());
    assertThat(command.out()).containsPattern("far +export +done");
  }

  /** Codes of int4 in groups of 32 go into the blocks of Q4_0 as they are. */
  @Test
  void codesOfFourBitsStayAsTheyAre() throws IOException {
    Path quantized = temp.resolve("quantized");
    assertThat(
            command.quantize(
                golden().resolve("llama"), quantized, "--scheme", "W4A16(group_size=32)"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Path output = temp.resolve("model.gguf");
    assertThat(command.export(quantized, output, "--type", "Q4_0")).isEqualTo(ExitCode.DONE);
    assertThat(command.out())
        .contains("14x W4A16(group_size=32) keeps its codes")
        .containsPattern("all \\d+ scales of kept codes stay as they are");
    Map<String, Stored> source = Checkpoints.read(quantized);
    byte[] file = Files.readAllBytes(output);
    GgufReader.Read read;
    try (FileSource opened = FileSource.open(output)) {
      read = GgufReader.read(opened);
    }
    for (String name : List.of("ffn_up", "ffn_down")) {
      GgufTensor tensor =
          read.header().tensors().stream()
              .filter(any -> any.name().equals("blk.1." + name + ".weight"))
              .findFirst()
              .orElseThrow();
      int begin = Math.toIntExact(read.dataBegin() + tensor.offset());
      String module = "model.layers.1.mlp." + (name.equals("ffn_up") ? "up_proj" : "down_proj");
      assertThat(Arrays.copyOfRange(file, begin, begin + (int) tensor.bytes()))
          .isEqualTo(
              blocks(
                  source.get(module + ".weight_packed").bytes(),
                  source.get(module + ".weight_scale").bytes()));
    }
    assertThat(command.export(quantized, temp.resolve("other.gguf"), "--type", "Q8_0", "--dry-run"))
        .isEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains("14x W4A16(group_size=32) is dequantized and rounded anew");
  }

  /** Nibbles in order, biased by 8, and bf16 scales, to blocks of d and 32 nibbles by halves. */
  private static byte[] blocks(byte[] nibbles, byte[] scales) {
    byte[] out = new byte[nibbles.length / 16 * 18];
    for (int block = 0; block < nibbles.length / 16; block++) {
      float scale =
          Float.intBitsToFloat((scales[2 * block] & 0xFF) << 16 | scales[2 * block + 1] << 24);
      WeightType.F16.write(scale, out, 18 * block);
      for (int j = 0; j < 16; j++) {
        int low = nibbles[16 * block + j / 2] >> 4 * (j % 2) & 15;
        int high = nibbles[16 * block + 8 + j / 2] >> 4 * (j % 2) & 15;
        out[18 * block + 2 + j] = (byte) (low | high << 4);
      }
    }
    return out;
  }

  private Path copy() throws IOException {
    Path folder = Files.createDirectories(temp.resolve("copy"));
    for (String name : List.of("config.json", "model.safetensors", "tokenizer.model")) {
      Files.copy(golden().resolve("llama").resolve(name), folder.resolve(name));
    }
    return folder;
  }

  private void refused(Path checkpoint, String message) {
    Path output = temp.resolve("refused.gguf");
    assertThat(command.export(checkpoint, output, "--type", "Q8_0")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains(message);
    assertThat(output).doesNotExist();
    assertThat(temp.resolve("refused.gguf.parts")).doesNotExist();
  }

  @Test
  void otherModelsAreRefused() throws IOException {
    Path folder = copy();
    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    Files.writeString(config, text.replace("LlamaForCausalLM", "GPT2LMHeadModel"));
    refused(folder, "config.json: architectures is GPT2LMHeadModel; only LlamaForCausalLM");
    Files.writeString(config, text.replace("\"hidden_size\": 256", "\"hidden_size\": 128"));
    refused(folder, "has the shape [512, 256], by config.json [512, 128]");
    Files.writeString(config, text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"));
    refused(folder, "has no tensor for blk.2.attn_norm.weight");
    Files.writeString(config, text);
    Files.delete(folder.resolve("tokenizer.model"));
    refused(folder, "neither tokenizer.model nor a tokenizer.json of type BPE");
  }

  /** The last weight of the file: bfloat16 0x7FC0 is no number. */
  @Test
  void weightsThatAreNoNumbersAreRefused() throws IOException {
    Path folder = copy();
    Path weights = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 2] = (byte) 0xC0;
    bytes[bytes.length - 1] = 0x7F;
    Files.write(weights, bytes);
    refused(folder, "model.norm.weight in model.safetensors: has a NaN in column 255");
  }

  @Test
  void nothingIsOverwritten() throws IOException {
    Path output = Files.writeString(temp.resolve("model.gguf"), "mine");
    Path checkpoint = golden().resolve("llama");
    assertThat(command.export(checkpoint, output, "--type", "F16")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("model.gguf: is there already");
    assertThat(Files.readString(output)).isEqualTo("mine");
  }

  @Test
  void planNeedsNoOutput() {
    assertThat(
            command.run(
                "export",
                "--checkpoint",
                golden().resolve("llama").toString(),
                "--type",
                "Q4_K_M",
                "--dry-run"))
        .isEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains("GGUF Q4_K_M: 21 tensors, 905 kB");
  }
}
