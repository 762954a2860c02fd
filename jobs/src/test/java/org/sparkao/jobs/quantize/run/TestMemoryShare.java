package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

class TestMemoryShare {
  private static final long MIB = 1 << 20;

  @Test
  void sevenTenthsAreShared() {
    assertThat(new MemoryShare(1000 * MIB).bytes()).isEqualTo(700 * MIB);
  }

  /** 400 and 300 fit beside each other, another byte waits until one of them is given back. */
  @Test
  void whatDoesNotFitWaits() throws Exception {
    MemoryShare memory = new MemoryShare(1000 * MIB);
    MemoryShare.Taken first = memory.take(400 * MIB);
    MemoryShare.Taken second = memory.take(300 * MIB);
    Thread third =
        new Thread(
            () -> {
              try {
                memory.take(1).close();
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
    memory.take(700 * MIB).close();
  }
}
