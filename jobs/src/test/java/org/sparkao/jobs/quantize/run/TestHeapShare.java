package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

class TestHeapShare {
  private static final long MIB = 1 << 20;

  @Test
  void sevenTenthsOfTheHeapAreShared() {
    assertThat(new HeapShare(1000 * MIB).bytes()).isEqualTo(700 * MIB);
  }

  /** 400 and 300 fit beside each other, another byte waits until one of them is given back. */
  @Test
  void whatDoesNotFitWaits() throws Exception {
    HeapShare heap = new HeapShare(1000 * MIB);
    HeapShare.Taken first = heap.take(400 * MIB);
    HeapShare.Taken second = heap.take(300 * MIB);
    Thread third =
        new Thread(
            () -> {
              try {
                heap.take(1).close();
              } catch (InterruptedIOException e) {
                throw new UncheckedIOException(e);
              }
            });
    third.start();
    Thread.State state = third.getState();
    while (state != Thread.State.WAITING && state != Thread.State.TERMINATED) {
      Thread.sleep(1);
      state = third.getState();
    }
    assertThat(state).isEqualTo(Thread.State.WAITING);
    second.close();
    third.join();
    first.close();
    heap.take(700 * MIB).close();
  }
}
