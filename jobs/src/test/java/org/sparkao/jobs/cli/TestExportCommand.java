package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;

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
    Path folder = Path.of(System.getProperty("sparkao.shared", "none"), "golden", "gguf");
    assumeTrue(Files.isDirectory(folder), "golden data is not here");
    return folder;
  }

  private ExitCode export(Path checkpoint, Path output, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "export",
                "--checkpoint",
                checkpoint.toString(),
                "--output",
                output.toString(),
                "--tables",
                temp.resolve("tables").toString()));
    args.addAll(List.of(more));
    return command.run(args.toArray(String[]::new));
  }

  private byte[] exported(String type, String... more) throws IOException {
    Path output = temp.resolve("model.gguf");
    List<String> args = new ArrayList<>(List.of("--type", type));
    args.addAll(List.of(more));
    assertThat(export(golden().resolve("llama"), output, args.toArray(String[]::new)))
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

  private Path copy() throws IOException {
    Path folder = Files.createDirectories(temp.resolve("copy"));
    for (String name : List.of("config.json", "model.safetensors", "tokenizer.model")) {
      Files.copy(golden().resolve("llama").resolve(name), folder.resolve(name));
    }
    return folder;
  }

  private void refused(Path checkpoint, String message) {
    Path output = temp.resolve("refused.gguf");
    assertThat(export(checkpoint, output, "--type", "Q8_0")).isEqualTo(ExitCode.REFUSED);
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
    assertThat(export(checkpoint, output, "--type", "F16")).isEqualTo(ExitCode.REFUSED);
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
