package org.sparkao.jobs.maintain;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.sparkao.jobs.config.ConfigKey;

/** Ages as people write them: {@code 30d}, {@code 12h}. */
public final class Ages {
  private Ages() {}

  /** A key for one. */
  public static ConfigKey<Duration> key(String doc) {
    return ConfigKey.value("older-than", "AGE", doc, Ages::parse);
  }

  static Duration parse(String text) {
    if (!text.matches("[1-9]\\d{0,4}[dh]")) {
      throw new IllegalArgumentException("use hours or days, such as 12h or 30d");
    }
    long count = Long.parseLong(text.substring(0, text.length() - 1));
    return Duration.of(count, text.endsWith("d") ? ChronoUnit.DAYS : ChronoUnit.HOURS);
  }
}
