package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.evaluate.run.TokenizerFiles;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Storage;

/** {@code --checkpoint model.gguf} (golden/README.md, gguf). */
class TestGgufSource {
  private static final String SHARED = System.getProperty("sparkao.shared", "none");
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
    return Command.golden("gguf");
  }

  /** Names, metadata and tokenizer come back as llama.cpp's converter wrote them. */
  @Test
  void fileIsExportedAsItWas() throws IOException {
    Path output = temp.resolve("again.gguf");
    assertThat(
            command.export(
                golden().resolve("convert-bf16.gguf"), output, "--type", "Q4_0", "--name", "Llama"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(output).hasSameBinaryContentAs(golden().resolve("mixed-Q4_0.gguf"));
  }

  @Test
  void fileIsVerified() {
    assertThat(
            command.run("verify", "--checkpoint", golden().resolve("mixed-Q4_K_M.gguf").toString()))
        .as(command.out() + command.err())
        .isEqualTo(ExitCode.DONE);
  }

  /** Numbered files, the first with the metadata, are read as one. */
  @Test
  void splitsAreReadAsOneFile() throws IOException {
    Path output = temp.resolve("split.gguf");
    assertThat(
            command.export(
                golden().resolve("llama"), output, "--type", "BF16", "--split-size", "600kB"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains(" in 6 files");
    assertThat(output).doesNotExist();
    Path first = temp.resolve("split-00001-of-00006.gguf");
    Path joined = temp.resolve("joined.gguf");
    assertThat(command.export(first, joined, "--type", "Q4_0", "--name", "Llama"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(joined).hasSameBinaryContentAs(golden().resolve("mixed-Q4_0.gguf"));
    assertThat(
            command.export(
                golden().resolve("llama"), output, "--type", "BF16", "--split-size", "600kB"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("split-00001-of-00006.gguf: is there already");
    Files.delete(temp.resolve("split-00003-of-00006.gguf"));
    assertThat(command.export(first, temp.resolve("none.gguf"), "--type", "BF16"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("split-00003-of-00006.gguf: is missing, one of 6 files");
  }

  /** What is quantized from the BF16 file is what is quantized from the checkpoint. */
  @Test
  void fileIsQuantizedAsItsCheckpoint() throws IOException {
    Path first = temp.resolve("first");
    Path second = temp.resolve("second");
    assertThat(command.quantize(golden().resolve("convert-bf16.gguf"), first, "--scheme", "W8A8"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(command.quantize(golden().resolve("llama"), second, "--scheme", "W8A8"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Map<String, Stored> ours = Checkpoints.read(first);
    Map<String, Stored> theirs = Checkpoints.read(second);
    assertThat(ours.keySet()).isEqualTo(theirs.keySet());
    theirs.forEach(
        (name, stored) -> {
          if (stored.shape().size() == 2) {
            assertThat(ours.get(name).bytes()).as(name).isEqualTo(stored.bytes());
          }
        });
    assertThat(first.resolve("tokenizer.model")).exists();
    assertThat(first.resolve("tokenizer_config.json")).exists();
  }

  /** Byte-level BPE against the tokenizer.json that the model was published with. */
  @Test
  void tokenizerOfBytePairsIsThatOfTheModel() throws IOException {
    Path model = Path.of(SHARED, "models", "smollm2-135m-instruct");
    assumeTrue(Files.isDirectory(model), "the model is not here");
    try (Tokenizer ours = tokenizer(model.resolve("SmolLM2-135M-Instruct.Q4_1.gguf"));
        Tokenizer theirs = Tokenizers.open(model)) {
      assertThat(ours.vocabularySize()).isEqualTo(theirs.vocabularySize());
      assertThat(ours.specialTokens()).isEqualTo(theirs.specialTokens());
      for (String text : texts()) {
        assertThat(ours.encodeWithSpecialTokens(text))
            .as(text)
            .isEqualTo(theirs.encodeWithSpecialTokens(text));
        assertThat(ours.decodeWithSpecialTokens(ours.encode(text))).isEqualTo(text);
      }
    }
  }

  /**
   * SentencePiece against the tokenizer.model that the file was made from. That removes spaces
   * which repeat; a GGUF file cannot say so, and llama.cpp keeps them.
   */
  @Test
  void tokenizerOfSentencePieceIsThatOfTheModel() throws IOException {
    try (Tokenizer ours = tokenizer(golden().resolve("pure-Q4_0.gguf"));
        Tokenizer theirs = Tokenizers.open(golden().resolve("llama"))) {
      for (String text :
          List.of("Once upon a time, there was Lily.", "café 東京 😀", "don't\nstop")) {
        assertThat(ours.encodeWithSpecialTokens(text))
            .as(text)
            .isEqualTo(theirs.encodeWithSpecialTokens(text));
      }
    }
  }

  private static List<String> texts() {
    return List.of(
        "Once upon a time, there was a little girl named Lily.",
        "  two  spaces, tabs\tand\n\nlines ",
        "12345 numbers 6.78 and 'quotes' don't",
        "<|im_start|>user\nWhat is 2+2?<|im_end|>\n",
        "Größe, naïve café — 東京 😀");
  }

  private Tokenizer tokenizer(Path file) throws IOException {
    Storage storage = Storage.ofSettings(Map.of());
    return Tokenizers.open(TokenizerFiles.local(storage, file.toString(), temp));
  }

  @Test
  void brokenFilesAreRefusedAtPlanning() throws IOException {
    byte[] file = Files.readAllBytes(golden().resolve("pure-Q4_0.gguf"));
    refused(changed(file, 0, 'X'), "does not begin with GGUF; name a GGUF file");
    refused(changed(file, 4, 2), "version 2 of GGUF; only version 3, little endian, is read");
    refused(changed(file, 15, 0x7F), "tensors do not fit into");
    refused(changed(file, 27, 1), "runs past the end");
    refused(changed(file, file.length, 0), "ends past the end of the file");
    Path missing = temp.resolve("missing.gguf");
    assertThat(command.quantize(missing, temp.resolve("none"), "--scheme", "W8A8"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("missing.gguf: there is no such file");
  }

  /** The file with another byte; cut in the middle for a place behind its end. */
  private Path changed(byte[] file, int at, int value) throws IOException {
    byte[] bytes = at < file.length ? file.clone() : Arrays.copyOf(file, at / 2);
    if (at < file.length) {
      bytes[at] = (byte) value;
    }
    return Files.write(temp.resolve("model.gguf"), bytes);
  }

  private void refused(Path file, String message) {
    for (String job : List.of("quantize", "export")) {
      Path output = temp.resolve("refused");
      List<String> args =
          new ArrayList<>(
              List.of(job, "--checkpoint", file.toString(), "--output", output.toString()));
      args.addAll(job.equals("export") ? List.of("--type", "F16") : List.of("--scheme", "W8A8"));
      assertThat(command.run(args.toArray(String[]::new))).isEqualTo(ExitCode.REFUSED);
      assertThat(command.err()).contains(temp + "/model.gguf: ").contains(message);
      assertThat(output).doesNotExist();
    }
  }
}
