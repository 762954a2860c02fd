package org.sparkao.datasets.tokenizer;

import org.sparkao.datasets.DatasetErrors;
import org.sparkao.datasets.DatasetException;

/** The two ways to count the characters of a text. */
final class UnicodeText {
  private UnicodeText() {}

  /** Refuses half a surrogate pair, which has no UTF-8. */
  static String checked(String text) {
    for (int i = 0; i < text.length(); i++) {
      char unit = text.charAt(i);
      if (Character.isSurrogate(unit)) {
        if (!Character.isSupplementaryCodePoint(text.codePointAt(i))) {
          throw new DatasetException(DatasetErrors.loneSurrogate(i, unit));
        }
        i++;
      }
    }
    return text;
  }

  /** For each code point, and for the end, the index of its first UTF-16 unit. */
  static int[] unitIndexes(String text) {
    int[] indexes = new int[text.codePointCount(0, text.length()) + 1];
    int unit = 0;
    for (int i = 0; i < indexes.length - 1; i++) {
      indexes[i] = unit;
      unit += Character.charCount(text.codePointAt(unit));
    }
    indexes[indexes.length - 1] = unit;
    return indexes;
  }
}
