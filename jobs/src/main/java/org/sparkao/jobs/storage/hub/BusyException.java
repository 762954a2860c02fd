package org.sparkao.jobs.storage.hub;

import java.io.IOException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** That a server cannot answer now, and may later. */
final class BusyException extends IOException {
  private static final long serialVersionUID = 1;

  private static final long UNKNOWN = -1;

  private final long retryMillis;

  /**
   * An answer with a status that passes.
   *
   * @param retryAfter the header of that name: seconds, or a date
   */
  BusyException(String message, Optional<String> retryAfter) {
    super(message);
    this.retryMillis =
        retryAfter.flatMap(BusyException::duration).map(Duration::toMillis).orElse(UNKNOWN);
  }

  /** What the server wishes. */
  Optional<Duration> retryAfter() {
    return retryMillis == UNKNOWN ? Optional.empty() : Optional.of(Duration.ofMillis(retryMillis));
  }

  private static Optional<Duration> duration(String text) {
    if (text.matches("\\d{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
    }
    try {
      Instant then = DateTimeFormatter.RFC_1123_DATE_TIME.parse(text, Instant::from);
      Duration left = Duration.between(Instant.now(), then);
      return Optional.of(left.isNegative() ? Duration.ZERO : left);
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
