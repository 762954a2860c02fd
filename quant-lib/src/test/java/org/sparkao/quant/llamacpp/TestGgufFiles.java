package org.sparkao.quant.llamacpp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.TensorEntry;

/** GGUF files as checkpoints, against golden/gguf and gguf-py. */
class TestGgufFiles {
  @TempDir private Path temp;

  private static GgufFiles open(String name) throws IOException {
    return GgufFiles.open(LocalFiles.of(GoldenFile.folder().resolve("gguf")), name + ".gguf");
  }

  private static byte[] bytes(GgufFiles files, TensorEntry entry) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(entry.bytes())];
    try (ByteSource source = files.open("model.safetensors")) {
      source.readFully(entry.begin(), bytes, 0, bytes.length);
    }
    return bytes;
  }

  /**
   * Begin of the SHA-256 of {@code output.weight} in fp32: {@code gguf.quants.dequantize} of the
   * Python package gguf 0.19.0 with numpy.
   */
  @ParameterizedTest
  @CsvSource({
    "pure-IQ4_NL, 2d6f163fc9b5da2dfe00f07545e8e710",
    "pure-IQ4_XS, e31b1d74f67b9384d90aa629df4c7332",
    "pure-Q2_K, 21207548a52ae55a5f62eaaea2f2ad2d",
    "pure-Q3_K_S, 8a74f557dc52469ff04cc1b8612230c6",
    "pure-Q4_0, dd8afca7a9fe5347d086e30f873ab934",
    "pure-Q4_1, 32d72451cd09aeae2365d1965a076db2",
    "pure-Q4_K_S, 695d7aa9397a03b8c1b52aa208324ad6",
    "pure-Q5_0, bd2ad2f431606b8d7da884c12a200659",
    "pure-Q5_1, 1ba418a9aebcd5f4fa0e37d1cef8f4d7",
    "pure-Q5_K_S, 1b97922d9ecdedc933a960b773e32f97",
    "pure-Q6_K, ab1e0d76ff24b5a24d10fc988d468943",
    "pure-TQ2_0, 8a482850dab77a4dea35b03bcd0d0528",
    "mixed-Q8_0, 00b53b530fede161d3a5a1c162d2d4e3"
  })
  void numbersAreThoseOfGgufPy(String name, String sha256) throws Exception {
    GgufFiles files = open(name);
    TensorEntry head = Checkpoint.open(files).tensor("lm_head.weight").orElseThrow().entry();
    assertThat(head.dtype()).isEqualTo(DType.F32);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes(files, head));
    assertThat(HexFormat.of().formatHex(digest)).startsWith(sha256);
  }

  /** Names, types and rows of q and k too, which llama.cpp has in another order. */
  @Test
  void checkpointIsTheOneThatWasConverted() throws IOException {
    GgufFiles files = open("convert-bf16");
    Path source = GoldenFile.folder().resolve("gguf/llama");
    Map<String, GoldenFile.Tensor> expected = GoldenFile.read(source.resolve("model.safetensors"));
    Checkpoint checkpoint = Checkpoint.open(files);
    assertThat(checkpoint.tensors()).hasSameSizeAs(expected.keySet());
    for (CheckpointTensor tensor : checkpoint.tensors()) {
      TensorEntry entry = tensor.entry();
      GoldenFile.Tensor original = expected.get(entry.name());
      assertThat(entry.shape()).as(entry.name()).isEqualTo(original.shape());
      if (entry.shape().size() == 2) {
        assertThat(bytes(files, entry)).as(entry.name()).isEqualTo(original.bytes());
      }
    }
    var ours = checkpoint.config().orElseThrow();
    var theirs = Checkpoint.open(LocalFiles.of(source)).config().orElseThrow();
    ours.properties()
        .forEach(
            entry -> {
              String key = entry.getKey();
              if (theirs.has(key) && entry.getValue().isNumber()) {
                assertThat(entry.getValue().asDouble())
                    .as(key)
                    .isEqualTo(theirs.get(key).asDouble());
              } else if (theirs.has(key)) {
                assertThat(entry.getValue()).as(key).isEqualTo(theirs.get(key));
              }
            });
    assertThat(ours.path("rope_theta").asDouble()).isEqualTo(10000);
  }

  /** Any piece of the file is that of the whole. */
  @Test
  void piecesAreThoseOfTheWhole() throws IOException {
    GgufFiles files = open("mixed-Q4_K_M");
    try (ByteSource source = files.open("model.safetensors")) {
      byte[] whole = new byte[Math.toIntExact(source.size())];
      source.readFully(0, whole, 0, whole.length);
      Random random = new Random(1);
      for (int i = 0; i < 200; i++) {
        int begin = random.nextInt(whole.length);
        int length = random.nextInt(Math.min(9000, whole.length - begin));
        byte[] piece = new byte[length + 3];
        source.readFully(begin, piece, 3, length);
        assertThat(piece).endsWith(Arrays.copyOfRange(whole, begin, begin + length));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "general.architecture | general.architecturX | general.architecture is none; only llama",
        "blk.1.ffn_up.weight | blk.7.ffn_up.weight | has no blk.1.ffn_up.weight",
        "blk.1.ffn_up.weight | blk.1.ffn_up.xeight | is no tensor of a Llama",
        "llama.block_count | llama.block_counX | llama.block_count is missing",
        "tokenizer.ggml.model | tokenizer.ggml.modeX | -"
      })
  void whatIsNoLlamaIsRefused(String from, String to, String message) throws IOException {
    byte[] file = Files.readAllBytes(GoldenFile.folder().resolve("gguf/pure-Q4_0.gguf"));
    String text = new String(file, StandardCharsets.ISO_8859_1);
    Path changed = temp.resolve("model.gguf");
    Files.write(changed, text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1));
    LocalFiles folder = LocalFiles.of(temp);
    if (message.equals("-")) {
      assertThat(GgufFiles.open(folder, "model.gguf").files()).hasSize(2);
      return;
    }
    assertThatThrownBy(() -> GgufFiles.open(folder, "model.gguf"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining(temp + "/model.gguf: ")
        .hasMessageContaining(message);
  }

  @Test
  void vocabulariesAndPartsAreRefused() throws IOException {
    assertThatThrownBy(() -> open("smollm2-135m-instruct-vocab"))
        .hasMessageContaining("it is a vocabulary");
    Path golden = GoldenFile.folder().resolve("gguf/pure-Q4_0.gguf");
    Files.copy(golden, temp.resolve("m-00002-of-00003.gguf"));
    LocalFiles folder = LocalFiles.of(temp);
    assertThatThrownBy(() -> GgufFiles.open(folder, "m-00002-of-00003.gguf"))
        .hasMessageContaining("is one of 3 files; name the first, m-00001-of-00003.gguf");
    Files.copy(golden, temp.resolve("m-00001-of-00003.gguf"));
    assertThatThrownBy(() -> GgufFiles.open(folder, "m-00001-of-00003.gguf"))
        .hasMessageContaining("m-00003-of-00003.gguf: is missing, one of 3 files");
  }
}
