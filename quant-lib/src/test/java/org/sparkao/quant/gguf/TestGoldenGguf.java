package org.sparkao.quant.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.safetensors.FileSource;

/** Headers and blocks against files of llama.cpp (golden/README.md, gguf). */
class TestGoldenGguf {
  /** Tensors whose rows keep their order, by their names in both files. */
  private static final Map<String, String> NAMES =
      Map.of(
          "output.weight", "lm_head.weight",
          "token_embd.weight", "model.embed_tokens.weight",
          "blk.0.attn_norm.weight", "model.layers.0.input_layernorm.weight",
          "blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight",
          "blk.1.attn_output.weight", "model.layers.1.self_attn.o_proj.weight",
          "blk.1.ffn_down.weight", "model.layers.1.mlp.down_proj.weight",
          "blk.0.ffn_up.weight", "model.layers.0.mlp.up_proj.weight");

  private static float[] values(GoldenFile.Tensor tensor) {
    float[] values = new float[tensor.bytes().length / 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = WeightType.BF16.read(tensor.bytes(), 2 * i);
    }
    return values;
  }

  private static GgufReader.Read read(Path file) throws Exception {
    try (FileSource source = FileSource.open(file)) {
      return GgufReader.read(source);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "convert-bf16", "convert-f16", "convert-q8_0", "mixed-Q2_K", "mixed-Q3_K_M", "mixed-Q4_0",
        "mixed-Q4_K_M", "mixed-Q5_K_M", "pure-IQ4_NL", "pure-IQ4_XS", "pure-Q2_K", "pure-Q3_K_S",
        "pure-Q4_0", "pure-Q4_1", "pure-Q4_K_S", "pure-Q5_0", "pure-Q5_1", "pure-Q5_K_S",
        "pure-Q6_K", "pure-TQ2_0"
      })
  void blocksAreThoseOfLlamaCpp(String name) throws Exception {
    Path folder = GoldenFile.folder().resolve("gguf");
    Map<String, GoldenFile.Tensor> weights =
        GoldenFile.read(folder.resolve("llama/model.safetensors"));
    Path file = folder.resolve(name + ".gguf");
    byte[] all = Files.readAllBytes(file);
    GgufReader.Read read = read(file);
    int compared = 0;
    for (GgufTensor tensor : read.header().tensors()) {
      if (NAMES.containsKey(tensor.name())) {
        float[] values = values(weights.get(NAMES.get(tensor.name())));
        int begin = Math.toIntExact(read.dataBegin() + tensor.offset());
        byte[] encoded = new byte[Math.toIntExact(tensor.bytes())];
        assertThat(tensor.type().encoder().encode(values, values.length, encoded))
            .isEqualTo(encoded.length);
        assertThat(encoded)
            .as(tensor.name() + " " + tensor.type())
            .isEqualTo(Arrays.copyOfRange(all, begin, begin + encoded.length));
        compared++;
      }
    }
    assertThat(compared).isEqualTo(NAMES.size());
  }

  /** With the importance matrix of llama-imatrix, which has nothing on embedding and head. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "imatrix-IQ4_XS",
        "imatrix-Q2_K",
        "imatrix-Q3_K_M",
        "imatrix-Q4_0",
        "imatrix-Q4_K_M"
      })
  void weightedBlocksAreThoseOfLlamaCpp(String name) throws Exception {
    Path folder = GoldenFile.folder().resolve("gguf");
    Map<String, GoldenFile.Tensor> weights =
        GoldenFile.read(folder.resolve("llama/model.safetensors"));
    Path matrix = folder.resolve("imatrix.gguf");
    byte[] sums = Files.readAllBytes(matrix);
    GgufReader.Read importance = read(matrix);
    Path file = folder.resolve(name + ".gguf");
    byte[] all = Files.readAllBytes(file);
    GgufReader.Read read = read(file);
    int compared = 0;
    for (GgufTensor tensor : read.header().tensors()) {
      float[] means = means(importance, sums, tensor.name());
      if (!NAMES.containsKey(tensor.name()) || means.length == 0) {
        continue;
      }
      float[] values = values(weights.get(NAMES.get(tensor.name())));
      int begin = Math.toIntExact(read.dataBegin() + tensor.offset());
      byte[] encoded = new byte[Math.toIntExact(tensor.bytes())];
      tensor.type().encoder(means).encode(values, values.length, encoded);
      assertThat(encoded)
          .as(tensor.name() + " " + tensor.type())
          .isEqualTo(Arrays.copyOfRange(all, begin, begin + encoded.length));
      compared++;
    }
    assertThat(compared).isPositive();
  }

  /** Sums over the count of tokens, 2,560; nothing where there are none. */
  private static float[] means(GgufReader.Read matrix, byte[] file, String tensor) {
    return matrix.header().tensors().stream()
        .filter(any -> any.name().equals(tensor + ".in_sum2"))
        .findFirst()
        .map(
            sums -> {
              float[] means = new float[Math.toIntExact(sums.shape().get(0))];
              int begin = Math.toIntExact(matrix.dataBegin() + sums.offset());
              ByteBuffer.wrap(file, begin, 4 * means.length)
                  .order(ByteOrder.LITTLE_ENDIAN)
                  .asFloatBuffer()
                  .get(means);
              for (int i = 0; i < means.length; i++) {
                means[i] /= 2560;
              }
              return means;
            })
        .orElse(new float[0]);
  }

  @ParameterizedTest
  @ValueSource(strings = {"convert-bf16", "pure-Q4_0", "smollm2-135m-instruct-vocab"})
  void headersAreWrittenAsTheyWereRead(String name) throws Exception {
    Path file = GoldenFile.folder().resolve("gguf").resolve(name + ".gguf");
    GgufReader.Read read = read(file);
    byte[] expected = Arrays.copyOf(Files.readAllBytes(file), Math.toIntExact(read.dataBegin()));
    assertThat(read.header().bytes()).isEqualTo(expected);
  }

  @Test
  void metadataHasItsTypes() throws Exception {
    GgufHeader header = read(GoldenFile.folder().resolve("gguf/pure-Q4_0.gguf")).header();
    assertThat(header.metadata().get("llama.block_count")).isEqualTo(GgufValue.uint32(2));
    assertThat(header.metadata().get("general.name")).isEqualTo(GgufValue.text("Llama"));
    assertThat(header.metadata().get("llama.attention.layer_norm_rms_epsilon"))
        .isEqualTo(GgufValue.float32(1e-5));
  }
}
