package org.sparkao.datasets.task;

import java.util.Locale;
import java.util.regex.Pattern;

/** The functions of Python's {@code str} that prompts depend on, where Java's differ. */
final class PythonText {
  /** What {@code \s} matches in Python, and what {@code strip} removes: a class of Java's regex. */
  static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

  private static final Pattern SPACES = Pattern.compile(SPACE + "+");
  private static final Pattern LEADING = Pattern.compile("\\A" + SPACE + "+");

  private PythonText() {}

  /** {@code text.strip()}. */
  static String strip(String text) {
    return LEADING.matcher(stripTrailing(text)).replaceFirst("");
  }

  /** {@code text.rstrip()}. */
  static String stripTrailing(String text) {
    int end = text.length();
    while (end > 0 && SPACES.matcher(text.substring(end - 1, end)).matches()) {
      end--;
    }
    return text.substring(0, end);
  }

  /** {@code text.capitalize()}: the first character in title case, all others in lower case. */
  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    String first = text.substring(0, text.offsetByCodePoints(0, 1));
    String lower = text.toLowerCase(Locale.ROOT);
    String rest = lower.substring(first.toLowerCase(Locale.ROOT).length());
    String upper = first.toUpperCase(Locale.ROOT);
    int head = upper.offsetByCodePoints(0, 1);
    String title =
        head == upper.length()
            ? Character.toString(Character.toTitleCase(first.codePointAt(0)))
            : upper.substring(0, head) + upper.substring(head).toLowerCase(Locale.ROOT);
    return title + rest;
  }

  /** {@code len(re.split(r"\s+", text))}: space at an end counts one empty word more. */
  static long words(String text) {
    return SPACES.matcher(text).results().count() + 1;
  }

  /**
   * The harness's {@code maybe_delimit}: a delimiter only between two texts without space there.
   */
  static String joined(String before, String after, String delimiter) {
    if (before.isEmpty() || after.isEmpty()) {
      return before + after;
    }
    boolean space =
        SPACES.matcher(before.substring(before.length() - 1)).matches()
            || SPACES.matcher(after.substring(0, 1)).matches();
    return before + (space ? "" : delimiter) + after;
  }

  /** {@code len(text)}: code points. */
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
