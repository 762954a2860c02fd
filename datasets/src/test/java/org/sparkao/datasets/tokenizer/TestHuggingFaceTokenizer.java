package org.sparkao.datasets.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.DatasetException;
import org.sparkao.datasets.sample.BundledSample;

/** On the bundled sample, which needs no shared folder. */
final class TestHuggingFaceTokenizer extends AbstractTestTokenizer {
  private static final String END = "<|endoftext|>";

  @TempDir Path sample;

  @Override
  Path folder(Path empty) throws IOException {
    return BundledSample.copyCheckpointTo(sample);
  }

  @Test
  void specialTokensOfTheSample() {
    SpecialTokens special = tokenizer.specialTokens();
    assertThat(tokenizer.vocabularySize()).isEqualTo(1536);
    assertThat(special.bos()).hasValue(0);
    assertThat(special.eos()).hasValue(0);
    assertThat(special.pad()).hasValue(0);
    assertThat(special.unknown()).isEmpty();
    assertThat(special.endOfGeneration()).containsExactly(0);
    assertThat(special.all()).containsExactly(0);
  }

  @Test
  void specialTokensOfSmolLm2() {
    try (Tokenizer other = Tokenizers.open(Shared.smolLm2())) {
      SpecialTokens special = other.specialTokens();
      assertThat(other.vocabularySize()).isEqualTo(49_152);
      assertThat(special.bos()).hasValue(1);
      assertThat(special.eos()).hasValue(2);
      assertThat(special.pad()).hasValue(2);
      assertThat(special.unknown()).hasValue(0);
      assertThat(special.endOfGeneration()).containsExactly(2);
      assertThat(special.all()).hasSize(17).contains(0, 16);
      assertThat(other.encodeWithSpecialTokens("The")).hasSize(1);
    }
  }

  @Test
  void severalIdsEndAGeneration() throws IOException {
    Files.writeString(sample.resolve("generation_config.json"), "{\"eos_token_id\": [7, 9]}");
    try (Tokenizer other = Tokenizers.open(sample)) {
      assertThat(other.specialTokens().endOfGeneration()).containsExactlyInAnyOrder(0, 7, 9);
    }
  }

  @Test
  void specialTokensAreSpelledOutOrLeftOut() {
    int[] ids = tokenizer.encode("a" + END + "b");
    assertThat(ids).hasSize(3).contains(0);
    assertThat(tokenizer.decode(ids)).isEqualTo("ab");
    assertThat(tokenizer.decodeWithSpecialTokens(ids)).isEqualTo("a" + END + "b");
  }

  @Test
  void offsetsCountUtf16Units() {
    String text = "\ud83d\ude00 dog";
    TokenizedText tokens = tokenizer.encodeWithOffsets(text);
    int last = tokens.ids().length - 1;
    assertThat(tokens.ids()).isEqualTo(tokenizer.encode(text));
    assertThat(tokens.begins()[0]).isZero();
    assertThat(tokens.ends()[0]).isEqualTo(2);
    assertThat(tokens.ends()[last]).isEqualTo(text.length());
    for (int i = 1; i <= last; i++) {
      assertThat(tokens.begins()[i]).isBetween(tokens.begins()[i - 1], tokens.ends()[i]);
    }
  }

  @Test
  void postProcessorPutsTokensAround() throws IOException {
    edit(
        "\"post_processor\": null",
        "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\":"
            + " {\"id\": \"<|endoftext|>\", \"type_id\": 0}}, {\"Sequence\": {\"id\": \"A\","
            + " \"type_id\": 0}}], \"pair\": [{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}},"
            + " {\"Sequence\": {\"id\": \"B\", \"type_id\": 0}}], \"special_tokens\":"
            + " {\"<|endoftext|>\": {\"id\": \"<|endoftext|>\", \"ids\": [0], \"tokens\":"
            + " [\"<|endoftext|>\"]}}}");
    try (Tokenizer other = Tokenizers.open(sample)) {
      int[] plain = other.encode("a dog");
      assertThat(plain).isEqualTo(tokenizer.encode("a dog"));
      assertThat(other.encodeWithSpecialTokens("a dog"))
          .startsWith(0)
          .endsWith(plain)
          .hasSize(plain.length + 1);
    }
  }

  @Test
  void truncationAndPaddingOfTheFileAreOff() throws IOException {
    edit(
        "\"truncation\": null",
        "\"truncation\": {\"direction\": \"Right\", \"max_length\": 3, \"strategy\":"
            + " \"LongestFirst\", \"stride\": 0}");
    edit(
        "\"padding\": null",
        "\"padding\": {\"strategy\": {\"Fixed\": 64}, \"direction\": \"Right\","
            + " \"pad_to_multiple_of\": null, \"pad_id\": 0, \"pad_type_id\": 0, \"pad_token\":"
            + " \"<|endoftext|>\"}");
    String text = "a dog and a cat and a dog";
    try (Tokenizer other = Tokenizers.open(sample)) {
      assertThat(other.encode(text)).isEqualTo(tokenizer.encode(text));
    }
  }

  @Test
  void brokenFilesAreRefused() throws IOException {
    Path file = sample.resolve("tokenizer.json");
    String whole = Files.readString(file);
    String[] broken = {
      "",
      "[]",
      "{}",
      "version https://git-lfs.github.com/spec/v1",
      whole.substring(0, whole.length() / 2),
      whole.replace("\"type\": \"BPE\"", "\"type\": \"Unheard\"")
    };
    for (String text : broken) {
      Files.writeString(file, text);
      assertThatThrownBy(() -> Tokenizers.open(sample))
          .isInstanceOf(DatasetException.class)
          .hasMessageStartingWith(file + ": this is no usable tokenizer (")
          .hasMessageContaining("copy the file again");
    }
  }

  @Test
  void folderWithoutTokenizerIsRefused(@TempDir Path folder) {
    assertThatThrownBy(() -> Tokenizers.open(folder))
        .isInstanceOf(DatasetException.class)
        .hasMessageStartingWith(folder + ": neither tokenizer.json nor tokenizer.model is there;")
        .hasMessageContaining("save_pretrained");
  }

  @Test
  void tokenizerOfAnotherModelIsRefused() throws IOException {
    for (int rows : new int[] {1535, 1800}) {
      Files.writeString(sample.resolve("config.json"), "{\"vocab_size\": " + rows + "}");
      assertThatThrownBy(() -> Tokenizers.open(sample))
          .isInstanceOf(DatasetException.class)
          .hasMessageContaining("tokenizer.json has ids for 1536 tokens and ")
          .hasMessageContaining("config.json says vocab_size " + rows + ";");
    }
    Files.writeString(sample.resolve("config.json"), "{\"text_config\": {\"vocab_size\": 1600}}");
    Tokenizers.open(sample).close();
  }

  @Test
  void specialTokenOutsideTheVocabularyIsRefused() throws IOException {
    Files.writeString(sample.resolve("tokenizer_config.json"), "{\"eos_token\": \"<eos>\"}");
    assertThatThrownBy(() -> Tokenizers.open(sample))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("tokenizer_config.json: eos_token is \"<eos>\", which is no token of")
        .hasMessageContaining("tokenizer.json");
  }

  @Test
  void brokenFileBesideTheTokenizerIsRefused() throws IOException {
    Files.writeString(sample.resolve("tokenizer_config.json"), "{");
    assertThatThrownBy(() -> Tokenizers.open(sample))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("tokenizer_config.json: not the JSON that was expected (");
  }

  private void edit(String before, String after) throws IOException {
    Path file = sample.resolve("tokenizer.json");
    String text = Files.readString(file);
    assertThat(text).contains(before);
    Files.writeString(file, text.replace(before, after));
  }
}
