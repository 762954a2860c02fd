package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
    CountDownLatch begun = new CountDownLatch(1);
    CompletableFuture<Void> third =
        CompletableFuture.runAsync(
            () -> {
              begun.countDown();
              try (HeapShare.Taken one = heap.take(1)) {
                assertThat(one).isNotNull();
              } catch (java.io.InterruptedIOException e) {
                throw new IllegalStateException(e);
              }
            });
    begun.await();
    assertThat(third).isNotDone();
    second.close();
    third.get(1, TimeUnit.MINUTES);
    first.close();
    heap.take(700 * MIB).close();
  }
}
