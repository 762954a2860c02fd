package org.sparkao.jobs.job;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.regex.Pattern;

/** Quantities as people read them. */
public final class Texts {
  private static final String DOTS = "...";
  private static final int HASH = 12;
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB"};
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT).withZone(ZoneOffset.UTC);

  private static final Pattern ZERO = Pattern.compile("[-+]0(\\.0+)?");

  private Texts() {}

  /** Bytes with three digits and a decimal unit: 1.23 MB. */
  public static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + decimals + "f %s", value, UNITS[unit]);
  }

  /** A duration: 0.8 s, 75 s, 1 h 02 min. */
  public static String duration(Duration duration) {
    double seconds = duration.toMillis() / 1000.0;
    if (seconds < 9.95) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    if (seconds < 600) {
      return String.format(Locale.ROOT, "%.0f s", seconds);
    }
    long minutes = duration.toMinutes();
    return minutes < 60
        ? minutes + " min"
        : String.format(Locale.ROOT, "%d h %02d min", minutes / 60, minutes % 60);
  }

  /** A moment, UTC, to the second. */
  public static String time(Instant instant) {
    return TIME.format(instant);
  }

  /** Decibels: one decimal, {@code exact} for no error at all, a dash for nothing but zeros. */
  public static String decibels(double db) {
    if (Double.isNaN(db)) {
      return "-";
    }
    return Double.isInfinite(db) ? "exact" : String.format(Locale.ROOT, "%.1f dB", db);
  }

  /**
   * A number with that many decimals, a point before them whatever the locale; what rounds to zero
   * has no sign.
   */
  public static String decimals(double value, int count) {
    return unsignedZero(String.format(Locale.ROOT, "%." + count + "f", value));
  }

  /** A difference: the same with a sign, plus included. */
  public static String signed(double value, int count) {
    return unsignedZero(String.format(Locale.ROOT, "%+." + count + "f", value));
  }

  private static String unsignedZero(String number) {
    return ZERO.matcher(number).matches() ? number.substring(1) : number;
  }

  /** A number with three significant digits: 0.00123, 1.23e-07. */
  public static String significant(double value) {
    return String.format(Locale.ROOT, "%.3g", value);
  }

  /** The first characters of a text, three dots for what is left out. */
  public static String beginning(String text, int most) {
    return text.length() <= most ? text : text.substring(0, whole(text, most)) + DOTS;
  }

  /** The last characters of a text, three dots for what is left out. */
  public static String end(String text, int most) {
    return text.length() <= most ? text : DOTS + text.substring(whole(text, text.length() - most));
  }

  /** The same place, or one before it where it would part a character of two units. */
  private static int whole(String text, int at) {
    return Character.isLowSurrogate(text.charAt(at)) ? at - 1 : at;
  }

  /** A text on one line: every run of whitespace is one space. */
  public static String line(String text) {
    return text.strip().replaceAll("\\s+", " ");
  }

  /** As much of a SHA-256 as people compare. */
  public static String shortHash(String hash) {
    return hash.substring(0, Math.min(HASH, hash.length()));
  }

  /** A count with its digits grouped: 1,234,567. */
  public static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}
