package org.sparkao.datasets.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.DatasetException;

/** What holds for every tokenizer. */
abstract class AbstractTestTokenizer {
  private static final List<String> ODD =
      List.of(
          "a\u0000b",
          "e\u0301 and \u00e9",
          "\ud83d\ude00 \ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67",
          "\ud840\udc00\ud83c\uddec\ud83c\udde7",
          "\u0627\u0644\u0633\u0644\u0627\u0645 \u200f\u200e",
          "\ufeffmark \ufffd \uffff",
          "tab\tnewline\nreturn\r\nnext\u0085line\u2028",
          "z\u0337\u0321\u0334a\u0335l\u0336g\u0338o");

  Tokenizer tokenizer;

  /** The folder of a checkpoint. */
  abstract Path folder(Path empty) throws IOException;

  @BeforeEach
  void open(@TempDir Path empty) throws IOException {
    tokenizer = Tokenizers.open(folder(empty));
  }

  @AfterEach
  void close() {
    if (tokenizer != null) {
      tokenizer.close();
    }
  }

  @Test
  void oddTextsComeBack() {
    for (String text : ODD) {
      int[] ids = tokenizer.encode(text);
      assertThat(tokenizer.decode(ids)).as(text).isEqualTo(text);
      assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < tokenizer.vocabularySize());
    }
  }

  @Test
  void randomCharactersComeBack() {
    Random random = new Random(5);
    for (int i = 0; i < 200; i++) {
      StringBuilder text = new StringBuilder("x");
      for (int n = random.nextInt(40); n > 0; n--) {
        int character = random.nextInt(random.nextBoolean() ? 0x3000 : 0x20000);
        boolean plain = !Character.isSpaceChar(character) && Character.getType(character) != 19;
        text.appendCodePoint(plain && character != 0x2581 ? character : 'y');
      }
      assertThat(tokenizer.decode(tokenizer.encode(text.toString()))).isEqualTo(text.toString());
    }
  }

  @Test
  void emptyTextHasNoTokens() {
    assertThat(tokenizer.encode("")).isEmpty();
    assertThat(tokenizer.decode(new int[0])).isEmpty();
    assertThat(tokenizer.decodeWithSpecialTokens(new int[0])).isEmpty();
  }

  @Test
  void longTextIsNotCut() {
    int[] ids = tokenizer.encode("one two three. ".repeat(20_000));
    assertThat(ids).hasSizeGreaterThan(60_000);
  }

  @Test
  void idsWithoutTokenGiveNothing() {
    int[] hello = tokenizer.encode("hello");
    int[] more = Arrays.copyOf(hello, hello.length + 2);
    more[hello.length] = tokenizer.vocabularySize() + 7;
    more[hello.length + 1] = -1;
    assertThat(tokenizer.decode(more)).isEqualTo("hello");
    assertThat(tokenizer.decodeWithSpecialTokens(more)).isEqualTo("hello");
  }

  @Test
  void halfASurrogatePairIsRefused() {
    assertThatThrownBy(() -> tokenizer.encode("ab\ud83d"))
        .isInstanceOf(DatasetException.class)
        .hasMessageStartingWith("character 2 of the text is U+D83D, half of a surrogate pair;");
    assertThatThrownBy(() -> tokenizer.encodeWithSpecialTokens("\ude00\ud83d"))
        .hasMessageContaining("character 0 of the text is U+DE00");
  }

  @Test
  void threadsDoNotDisturbEachOther() throws Exception {
    List<String> texts = new ArrayList<>(ODD);
    for (int i = 0; i < 50; i++) {
      texts.add("Story " + i + " of a dog and " + i * i + " cats.".repeat(i));
    }
    List<int[]> expected = texts.stream().map(tokenizer::encode).toList();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> runs = new ArrayList<>();
      for (int thread = 0; thread < 8; thread++) {
        int shift = thread * 7;
        runs.add(threads.submit(() -> compare(texts, expected, shift)));
      }
      for (Future<?> run : runs) {
        run.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private void compare(List<String> texts, List<int[]> expected, int shift) {
    for (int i = 0; i < 10 * texts.size(); i++) {
      int n = (i + shift) % texts.size();
      assertThat(tokenizer.encode(texts.get(n))).isEqualTo(expected.get(n));
      assertThat(tokenizer.decode(expected.get(n))).isEqualTo(texts.get(n));
    }
  }

  @Test
  void closedTokenizerRefuses() {
    tokenizer.close();
    tokenizer.close();
    assertThatThrownBy(() -> tokenizer.encode("a"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageEndingWith("is closed");
    assertThatThrownBy(() -> tokenizer.decode(new int[] {3}))
        .isInstanceOf(IllegalStateException.class);
  }
}
