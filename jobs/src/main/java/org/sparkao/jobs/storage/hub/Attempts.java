package org.sparkao.jobs.storage.hub;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Attempts at one thing: pauses that double, an end when nothing comes any more. */
final class Attempts {
  private static final Logger LOG = LoggerFactory.getLogger(Attempts.class);

  /** In a row, without a single byte. */
  private static final int MOST = 8;

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** A server that wants to be left alone for longer is left alone. */
  private static final Duration LONGEST_WISH = Duration.ofMinutes(6);

  private final String what;
  private final Duration firstPause;
  private int failures;

  /**
   * None made yet.
   *
   * @param what for messages
   */
  Attempts(String what, Duration firstPause) {
    this.what = what;
    this.firstPause = firstPause;
  }

  /**
   * Pauses after an attempt that broke.
   *
   * @param progressed whether it brought something
   * @throws IOException when there have been enough
   */
  void failed(IOException failure, boolean progressed) throws IOException {
    failures = progressed ? 1 : failures + 1;
    Optional<Duration> wish =
        failure instanceof BusyException busy ? busy.retryAfter() : Optional.empty();
    if (failures >= MOST || wish.filter(time -> time.compareTo(LONGEST_WISH) > 0).isPresent()) {
      throw new IOException(what + ": given up after " + failures + " attempts", failure);
    }
    Duration pause = wish.orElseGet(this::pause);
    LOG.warn("{}: {}; once more in {} ms", what, failure.getMessage(), pause.toMillis());
    try {
      Thread.sleep(pause.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(what + ": interrupted");
    }
  }

  /** Between half and the whole of it, so that executors do not come back together. */
  private Duration pause() {
    long whole = Math.min(firstPause.toMillis() << (failures - 1), LONGEST_PAUSE.toMillis());
    return Duration.ofMillis(whole - ThreadLocalRandom.current().nextLong(whole / 2 + 1));
  }
}
