package org.sparkao.jobs.config;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as users write them: {@code 5GB} is 5 x 10^9 bytes, {@code 256MiB} is 256 x 2^20. */
public final class ByteSize {
  private static final Pattern SYNTAX = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([A-Za-z]*)");
  private static final Map<String, Long> UNITS =
      Map.of(
          "", 1L,
          "B", 1L,
          "KB", 1_000L,
          "MB", 1_000_000L,
          "GB", 1_000_000_000L,
          "TB", 1_000_000_000_000L,
          "KIB", 1L << 10,
          "MIB", 1L << 20,
          "GIB", 1L << 30,
          "TIB", 1L << 40);

  private ByteSize() {}

  /** Bytes, at least one. */
  public static long parse(String text) {
    Matcher syntax = SYNTAX.matcher(text.strip());
    Long unit = syntax.matches() ? UNITS.get(syntax.group(2).toUpperCase(Locale.ROOT)) : null;
    if (unit == null) {
      throw new IllegalArgumentException("not a size; write it as 5GB, 500MB or 256MiB");
    }
    long bytes = new BigDecimal(syntax.group(1)).multiply(BigDecimal.valueOf(unit)).longValue();
    if (bytes < 1) {
      throw new IllegalArgumentException("must be at least one byte");
    }
    return bytes;
  }

  /** Three significant digits and a decimal unit: {@code 1.54 GB}. */
  public static String format(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes;
    int unit = -1;
    while (value >= 999.5) {
      value /= 1000;
      unit++;
    }
    int digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + digits + "f %sB", value, "kMGTPE".charAt(unit));
  }
}
