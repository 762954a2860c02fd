package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says again and again that this driver lives. A store that does not answer is asked again. */
final class Heartbeat {
  private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

  /** Beats that may fail in a row: the claim lives for six without any. */
  private static final int MOST_FAILURES = 3;

  private final Beat beat;
  private final Duration pause;

  /** One sign of life. */
  @FunctionalInterface
  interface Beat {
    /** Gives it. */
    void run() throws IOException;
  }

  /** Not yet begun. */
  Heartbeat(Beat beat, Duration pause) {
    this.beat = beat;
    this.pause = pause;
  }

  /**
   * Beats until {@code end}.
   *
   * @throws IOException when the output was lost, or too many beats failed in a row
   */
  void run(CountDownLatch end) throws IOException, InterruptedException {
    int failures = 0;
    while (!end.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
      try {
        beat.run();
        failures = 0;
      } catch (Ownership.LostException e) {
        throw e;
      } catch (IOException e) {
        failures++;
        if (failures > MOST_FAILURES) {
          throw e;
        }
        LOG.warn("heartbeat {} of {} failed: {}", failures, MOST_FAILURES, e.getMessage());
      }
    }
  }
}
