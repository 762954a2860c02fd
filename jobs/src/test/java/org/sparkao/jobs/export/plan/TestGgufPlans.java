package org.sparkao.jobs.export.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.gguf.GgufHeader;
import org.sparkao.quant.gguf.GgufReader;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufValue;
import org.sparkao.quant.llamacpp.RopeStretch;
import org.sparkao.quant.safetensors.FileSource;

/** Tokenizers, types and names, without weights. */
class TestGgufPlans {
  private static final LlamaSizes SMOLLM =
      new LlamaSizes(
          30,
          8192,
          576,
          1536,
          9,
          3,
          64,
          49152,
          1e-5,
          true,
          new LlamaSizes.Rope(1e5, Optional.empty()));

  private static Path shared(String name) {
    Path path = Path.of(System.getProperty("sparkao.shared", "none"), name);
    assumeTrue(Files.exists(path), "shared data is not here");
    return path;
  }

  private static GgufHeader header(Path file) throws IOException {
    try (FileSource source = FileSource.open(file)) {
      return GgufReader.read(source).header();
    }
  }

  /** Written by llama.cpp's converter (golden/README.md, gguf). */
  @Test
  void bytePairVocabularyIsThatOfLlamaCpp() throws IOException {
    Path model = shared("models/smollm2-135m-instruct");
    Map<String, GgufValue> expected =
        new LinkedHashMap<>(
            header(shared("golden/gguf/smollm2-135m-instruct-vocab.gguf")).metadata());
    expected.keySet().removeIf(key -> !key.startsWith("tokenizer."));
    Map<String, GgufValue> tokenizer =
        GgufTokenizer.read(
            Storage.ofAssignments(List.of()).folder(model.toString()), SMOLLM.vocabulary());
    assertThat(tokenizer.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
    expected.forEach((key, value) -> assertThat(tokenizer.get(key)).as(key).isEqualTo(value));
  }

  /** Rows of 576 are no whole blocks of 256: a file that llama-quantize wrote. */
  @Test
  void typesOfAPublishedFile() throws IOException {
    Path file = shared("models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
    TypeChoice types = new TypeChoice(GgufRecipe.Q4_1, false, false, SMOLLM);
    int compared = 0;
    for (GgufTensor tensor : header(file).tensors()) {
      if (tensor.shape().size() == 2) {
        int layer = Integer.parseInt(tensor.name().replaceFirst("^blk\\.(\\d+)\\..*|.*", "0$1"));
        assertThat(types.of(tensor.name(), layer, tensor.shape().get(1)))
            .as(tensor.name())
            .isEqualTo(tensor.type());
        assertThat(TensorShapes.of(tensor.name(), SMOLLM)).isEqualTo(tensor.shape());
        compared++;
      }
    }
    assertThat(compared).isEqualTo(211);
  }

  @Test
  void preTokenizerWithoutANameIsRefused() throws IOException {
    assertThatThrownBy(
            () ->
                PreTokenizers.of(
                    new ObjectMapper().readTree("{\"pre_tokenizer\":{\"type\":\"Whitespace\"}}"),
                    "tokenizer.json"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("tokenizer.json: pre_tokenizer Whitespace has no name");
  }

  /** Titles as llama.cpp made them of the folders' names; labels by its rounding rules. */
  @ParameterizedTest
  @CsvSource({"/golden/gguf/llama, Llama", "models/smollm2-135m-instruct/, Smollm2 135m Instruct"})
  void titleOfAFolder(String folder, String title) {
    assertThat(GgufMetadata.title(folder)).isEqualTo(title);
  }

  @ParameterizedTest
  @CsvSource({"1444096, 1.4M", "134515008, 135M", "6738415616, 6.7B", "70553706496, 71B"})
  void labelOfASize(long parameters, String label) {
    assertThat(GgufMetadata.sizeLabel(parameters)).isEqualTo(label);
  }

  /** Llama 3.1: short waves stay, long ones are stretched by the factor, between them both. */
  @Test
  void wavesOfLlamaThreeAreStretched() {
    float[] divisors = new RopeStretch(8, 1, 4, 8192).divisors(500000, 128);
    assertThat(divisors).hasSize(64);
    assertThat(divisors[0]).isEqualTo(1f);
    assertThat(divisors[63]).isEqualTo(8f);
    int index = 32;
    double wave = 2 * Math.PI * Math.pow(500000, index / 64.0);
    double smooth = (8192 / wave - 1) / 3;
    assertThat((double) divisors[index]).isCloseTo(1 / ((1 - smooth) / 8 + smooth), within(1e-5));
    assertThat(smooth).isBetween(0.0, 1.0);
  }
}
