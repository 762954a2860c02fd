package org.sparkao.datasets.task;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What does not count when a generated text is compared with the right one: both are changed alike,
 * in this order (the harness's {@code exact_match}).
 *
 * @param ignored regular expressions ({@link PythonPattern}) whose matches are taken out
 * @param ignoreCase whether upper case is the same as lower case
 * @param ignorePunctuation whether the marks of ASCII are taken out
 * @param ignoreDigits whether 0 to 9 are taken out
 */
record ExactMatch(
    @JsonProperty("ignore") List<String> ignored,
    boolean ignoreCase,
    boolean ignorePunctuation,
    boolean ignoreDigits) {
  private static final Pattern PUNCTUATION = Pattern.compile("\\p{Punct}");
  private static final Pattern DIGITS = Pattern.compile("[0-9]");

  ExactMatch {
    ignored = ignored == null ? List.of() : List.copyOf(ignored);
  }

  /** Nothing is ignored. */
  static ExactMatch strict() {
    return new ExactMatch(List.of(), false, false, false);
  }

  /** A text without what does not count. */
  String normalized(String text) {
    String left = text;
    for (String regex : ignored) {
      Matcher matcher = PythonPattern.compile(regex).matcher(left);
      left = matcher.replaceAll("");
    }
    left = ignoreCase ? left.toLowerCase(Locale.ROOT) : left;
    left = ignorePunctuation ? PUNCTUATION.matcher(left).replaceAll("") : left;
    return ignoreDigits ? DIGITS.matcher(left).replaceAll("") : left;
  }
}
