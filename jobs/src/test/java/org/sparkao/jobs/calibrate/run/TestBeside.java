package org.sparkao.jobs.calibrate.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.sparkao.quant.QuantException;

/** What is done while the caller goes on. */
class TestBeside {
  @Test
  void oneAtATimeWhileTheCallerGoesOn() throws IOException {
    CountDownLatch begun = new CountDownLatch(1);
    List<String> seen = new CopyOnWriteArrayList<>();
    try (Beside beside = Beside.caller(1)) {
      beside.run(
          () -> {
            await(begun);
            seen.add("first");
          });
      seen.add("caller");
      begun.countDown();
      beside.run(() -> seen.add("second"));
      assertThat(seen).startsWith("caller", "first");
      beside.await();
      assertThat(seen).containsExactly("caller", "first", "second");
    }
  }

  @Test
  void someAtATime() throws IOException {
    CountDownLatch second = new CountDownLatch(1);
    CountDownLatch third = new CountDownLatch(1);
    List<String> seen = new CopyOnWriteArrayList<>();
    try (Beside beside = Beside.caller(2)) {
      beside.run(
          () -> {
            await(second);
            seen.add("first");
          });
      beside.run(
          () -> {
            seen.add("second");
            second.countDown();
            await(third);
          });
      beside.run(third::countDown);
      assertThat(seen).containsExactly("second", "first");
    }
  }

  @Test
  void closeWaits() throws IOException {
    CountDownLatch begun = new CountDownLatch(1);
    List<String> seen = new CopyOnWriteArrayList<>();
    try (Beside beside = Beside.caller(1)) {
      beside.run(
          () -> {
            await(begun);
            seen.add("done");
            throw new IOException("nobody asks");
          });
      begun.countDown();
    }
    assertThat(seen).containsExactly("done");
  }

  @Test
  void failuresAreThrownWhereTheCallerIs() throws IOException {
    try (Beside beside = Beside.caller(1)) {
      beside.run(
          () -> {
            throw new IOException("disk full");
          });
      assertThatThrownBy(beside::await).isInstanceOf(IOException.class).hasMessage("disk full");
      assertThatThrownBy(() -> beside.run(() -> {})).hasMessage("disk full");
    }
    try (Beside beside = Beside.nobody()) {
      assertThatThrownBy(
              () ->
                  beside.run(
                      () -> {
                        throw new QuantException("refused");
                      }))
          .isInstanceOf(QuantException.class)
          .hasMessage("refused");
    }
  }

  @Test
  void nobodyElseWorksInTheThreadOfTheCaller() throws IOException {
    List<Thread> seen = new CopyOnWriteArrayList<>();
    try (Beside beside = Beside.nobody()) {
      beside.run(() -> seen.add(Thread.currentThread()));
      assertThat(seen).containsExactly(Thread.currentThread());
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
