package org.sparkao.jobs.job;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Quantities as people read them. */
public final class Texts {
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB"};
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT).withZone(ZoneOffset.UTC);

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

  /** A number with that many decimals, a point before them whatever the locale. */
  public static String decimals(double value, int count) {
    return String.format(Locale.ROOT, "%." + count + "f", value);
  }

  /** A number with three significant digits: 0.00123, 1.23e-07. */
  public static String significant(double value) {
    return String.format(Locale.ROOT, "%.3g", value);
  }

  /** A count with its digits grouped: 1,234,567. */
  public static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}
