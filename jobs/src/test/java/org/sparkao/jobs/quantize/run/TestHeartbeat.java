package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TestHeartbeat {
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicInteger beats = new AtomicInteger();

  private void run(Heartbeat.Beat beat) throws IOException, InterruptedException {
    new Heartbeat(beat, Duration.ofMillis(1)).run(end);
  }

  @Test
  void threeFailuresInARowAreForgiven() throws Exception {
    run(
        () -> {
          int beat = beats.incrementAndGet();
          if (beat == 20) {
            end.countDown();
          } else if (beat % 4 != 0) {
            throw new IOException("503 slow down");
          }
        });
    assertThat(beats).hasValue(20);
  }

  @Test
  void theFourthIsNot() {
    assertThatThrownBy(
            () ->
                run(
                    () -> {
                      beats.incrementAndGet();
                      throw new IOException("disk is gone");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage("disk is gone");
    assertThat(beats).hasValue(4);
  }
}
