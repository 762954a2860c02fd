package org.sparkao.jobs.quantize.plan;

import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/**
 * What the modules whose name contains a match of a regular expression become.
 *
 * @param text as the user wrote it
 * @param pattern searched for anywhere in the module name
 * @param scheme the scheme; empty to leave the module as it is
 */
public record Rule(String text, Pattern pattern, Optional<QuantScheme> scheme) {
  private static final String SKIP = "skip";

  /** All parts are given. */
  public Rule {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(pattern, "pattern");
    Objects.requireNonNull(scheme, "scheme");
  }

  /** {@code REGEX=SCHEME} or {@code REGEX=skip}, split at the last = outside parentheses. */
  public static Rule parse(String text) {
    int split = lastEquals(text);
    if (split < 1) {
      throw new IllegalArgumentException("write it as REGEX=SCHEME or REGEX=skip");
    }
    String scheme = text.substring(split + 1).strip();
    try {
      return new Rule(
          text,
          pattern(text.substring(0, split)),
          scheme.equalsIgnoreCase(SKIP) ? Optional.empty() : Optional.of(Schemes.parse(scheme)));
    } catch (QuantException e) {
      throw new QuantException("--rule " + text + ": " + e.getMessage(), e);
    }
  }

  /** A rule that leaves what {@code regex} finds as it is. */
  public static Rule skip(String regex) {
    return new Rule(regex, pattern(regex), Optional.empty());
  }

  /** Whether the regular expression is found in the name of a module. */
  public boolean matches(String module) {
    return pattern.matcher(module).find();
  }

  /**
   * Whether the regular expression has {@code name} in it letter by letter and as the end of a
   * word: {@code mlp\\.gate} spells gate, {@code gate_proj} and {@code .*} do not.
   */
  boolean spells(String name) {
    String regex = pattern.pattern();
    for (int at = regex.indexOf(name); at >= 0; at = regex.indexOf(name, at + 1)) {
      int end = at + name.length();
      if (end == regex.length() || !isWord(regex.charAt(end))) {
        return true;
      }
    }
    return false;
  }

  private static boolean isWord(char letter) {
    return Character.isLetterOrDigit(letter) || letter == '_';
  }

  private static Pattern pattern(String regex) {
    try {
      return Pattern.compile(regex);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "not a regular expression: " + e.getDescription() + " at " + e.getIndex(), e);
    }
  }

  private static int lastEquals(String text) {
    int depth = 0;
    for (int i = text.length() - 1; i >= 0; i--) {
      switch (text.charAt(i)) {
        case ')' -> depth++;
        case '(' -> depth--;
        case '=' -> {
          if (depth == 0) {
            return i;
          }
        }
        default -> {}
      }
    }
    return -1;
  }
}
