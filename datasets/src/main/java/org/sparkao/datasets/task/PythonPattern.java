package org.sparkao.datasets.task;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Regular expressions as task files have them: Python's, whose classes are those of Unicode and
 * whose only line end is a line feed. Java reads all that the harness's filters use alike; what it
 * cannot read is refused with the task.
 */
final class PythonPattern {
  private PythonPattern() {}

  /** A pattern that has been checked before. */
  static Pattern compile(String regex) {
    return Pattern.compile(regex, Pattern.UNIX_LINES | Pattern.UNICODE_CHARACTER_CLASS);
  }

  /** Refuses what is no regular expression. */
  static void check(String regex, String key, String origin) {
    try {
      compile(regex);
    } catch (PatternSyntaxException e) {
      throw TaskErrors.definition(
          origin,
          key
              + ": \""
              + regex
              + "\" is no regular expression ("
              + e.getDescription()
              + " near index "
              + e.getIndex()
              + "); double the backslashes between double quotes");
    }
  }
}
