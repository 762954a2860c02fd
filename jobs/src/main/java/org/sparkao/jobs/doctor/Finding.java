package org.sparkao.jobs.doctor;

import java.util.Locale;
import java.util.Objects;
import org.sparkao.jobs.config.Secrets;
import org.sparkao.jobs.job.Failures;

/**
 * One line of the result.
 *
 * @param level how it is
 * @param subject what was looked at, one word
 * @param text what was seen; secrets in it are hidden
 * @param fix what to do about it; empty when it is well
 */
record Finding(Level level, String subject, String text, String fix) {
  private static final int LEVEL_WIDTH = 5;
  private static final int SUBJECT_WIDTH = 11;

  /** How something is. */
  enum Level {
    /** Well. */
    OK,
    /** Jobs run, but slower, or not all of them. */
    WARN,
    /** Jobs fail. */
    FAIL
  }

  Finding {
    Objects.requireNonNull(level, "level");
    text = Secrets.hideInMessage(text);
    if ((level == Level.OK) != fix.isEmpty()) {
      throw new IllegalArgumentException(subject + ": " + level + " with the fix \"" + fix + "\"");
    }
  }

  static Finding ok(String subject, String text) {
    return new Finding(Level.OK, subject, text, "");
  }

  static Finding warn(String subject, String text, String fix) {
    return new Finding(Level.WARN, subject, text, fix);
  }

  static Finding fail(String subject, String text, String fix) {
    return new Finding(Level.FAIL, subject, text, fix);
  }

  /**
   * What a message of this program says, which ends with the way out behind its first semicolon.
   *
   * @param otherwise the way out of a message that names none
   */
  static Finding of(Level level, String subject, String message, String otherwise) {
    int end = message.indexOf("; ");
    return end < 0
        ? new Finding(level, subject, message, otherwise)
        : new Finding(level, subject, message.substring(0, end), message.substring(end + 2));
  }

  /**
   * What an exception says: the way out too when it is a refusal of this program.
   *
   * @param otherwise the way out of all others
   */
  static Finding failed(String subject, Exception failure, String otherwise) {
    String text = Failures.text(failure);
    return Failures.isRefusal(failure)
        ? of(Level.FAIL, subject, text, otherwise)
        : fail(subject, text, otherwise);
  }

  /** As the user sees it: one line, and one for the fix. */
  String lines() {
    String line =
        padded(level.name().toLowerCase(Locale.ROOT), LEVEL_WIDTH)
            + padded(subject, SUBJECT_WIDTH)
            + text;
    return fix.isEmpty()
        ? line
        : line + System.lineSeparator() + " ".repeat(LEVEL_WIDTH + SUBJECT_WIDTH) + "fix: " + fix;
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(Math.max(1, width - text.length()));
  }
}
