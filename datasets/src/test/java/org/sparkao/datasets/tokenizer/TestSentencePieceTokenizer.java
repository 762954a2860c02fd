package org.sparkao.datasets.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.DatasetException;

final class TestSentencePieceTokenizer extends AbstractTestTokenizer {
  @Override
  Path folder(Path empty) {
    return Shared.stories();
  }

  @Test
  void specialTokensOfTheModel() {
    SpecialTokens special = tokenizer.specialTokens();
    assertThat(tokenizer.vocabularySize()).isEqualTo(512);
    assertThat(special.bos()).hasValue(1);
    assertThat(special.eos()).hasValue(2);
    assertThat(special.unknown()).hasValue(0);
    assertThat(special.pad()).isEmpty();
    assertThat(special.endOfGeneration()).containsExactly(2);
    assertThat(special.all()).containsExactlyInAnyOrder(0, 1, 2);
  }

  @Test
  void specialTokensAreSpelledOutOrLeftOut() {
    int[] ids = {1, 403, 407, 261, 378, 2};
    assertThat(tokenizer.decode(ids)).isEqualTo("Once upon a time");
    assertThat(tokenizer.decodeWithSpecialTokens(ids)).isEqualTo("<s>Once upon a time</s>");
  }

  @Test
  void settingsSayWhatIsPutAround(@TempDir Path folder) throws IOException {
    copyModel(folder);
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"add_bos_token\": false, \"add_eos_token\": true, \"eos_token\": {\"content\":"
            + " \"</s>\"}, \"bos_token\": null}");
    try (Tokenizer other = Tokenizers.open(folder)) {
      assertThat(other.encodeWithSpecialTokens("Once upon a time"))
          .containsExactly(403, 407, 261, 378, 2);
      assertThat(other.specialTokens().bos()).isEmpty();
    }
  }

  @Test
  void offsetsAreRefused() {
    assertThatThrownBy(() -> tokenizer.encodeWithOffsets("a"))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("tokenizer.model: SentencePiece's Java library tells no offsets");
  }

  @Test
  void tokensBesideTheModelAreRefused(@TempDir Path folder) throws IOException {
    copyModel(folder);
    Files.writeString(folder.resolve("added_tokens.json"), "{\"<|im_start|>\": 512}");
    assertThatThrownBy(() -> Tokenizers.open(folder))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("added_tokens.json: token \"<|im_start|>\" is not in tokenizer.model")
        .hasMessageContaining("save_pretrained");
  }

  @Test
  void brokenModelsAreRefused(@TempDir Path folder) throws IOException {
    byte[] whole = Files.readAllBytes(Shared.stories().resolve("tokenizer.model"));
    Path file = folder.resolve("tokenizer.model");
    byte[] pointer =
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\n".getBytes("UTF-8");
    byte[][] broken = {
      new byte[0], pointer, Arrays.copyOf(whole, 1000), Arrays.copyOf(whole, whole.length - 3)
    };
    for (byte[] bytes : broken) {
      Files.write(file, bytes);
      assertThatThrownBy(() -> Tokenizers.open(folder))
          .isInstanceOf(DatasetException.class)
          .hasMessageStartingWith(file + ": this is no usable tokenizer (")
          .hasMessageContaining("copy the file again");
    }
  }

  private static void copyModel(Path folder) throws IOException {
    Files.copy(Shared.stories().resolve("tokenizer.model"), folder.resolve("tokenizer.model"));
  }
}
