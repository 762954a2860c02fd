package org.sparkao.datasets.task;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** What an item's log-likelihoods are compared with. */
public sealed interface Answer {

  /**
   * One of several choices is right.
   *
   * @param choices the texts, without the space that joins them to the context
   * @param gold index of the right one
   */
  record Choice(List<String> choices, int gold) implements Answer {
    /** Refuses fewer than two choices, an empty one, and a gold index that is none. */
    public Choice {
      choices = List.copyOf(choices);
      if (choices.size() < 2) {
        throw new IllegalArgumentException("needs two choices at least, has " + choices);
      }
      if (choices.contains("")) {
        throw new IllegalArgumentException("one of the choices " + choices + " is empty");
      }
      if (gold < 0 || gold >= choices.size()) {
        throw new IllegalArgumentException(
            "label " + gold + " is not an index of its " + choices.size() + " choices");
      }
    }
  }

  /**
   * A generated text is compared with the right one.
   *
   * @param target the right text, before any rule of comparison
   */
  record Generated(String target) implements Answer {}

  /** The one continuation is right. */
  record LastWord() implements Answer {}

  /**
   * A text that is scored whole.
   *
   * @param words its words, as the harness counts them: pieces between runs of whitespace
   * @param bytes its length in UTF-8
   */
  record Text(long words, long bytes) implements Answer {
    /** Counts a text as it is in the source, before any detokenization. */
    static Text of(String text) {
      return new Text(PythonText.words(text), text.getBytes(StandardCharsets.UTF_8).length);
    }
  }
}
