package org.sparkao.gpu.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.GpuException;

class TestPermits {
  @Test
  void letsSoManyIn() {
    Permits permits = new Permits(3);
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    IntStream.range(0, 12)
        .mapToObj(
            i ->
                CompletableFuture.runAsync(
                    () -> {
                      Permits.Permit permit = permits.acquire();
                      most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                      Thread.yield();
                      inside.decrementAndGet();
                      permit.close();
                    },
                    command -> new Thread(command).start()))
        .toList()
        .forEach(CompletableFuture::join);
    assertThat(most.get()).isBetween(1, 3);
    assertThat(permits.free()).isEqualTo(permits.count()).isEqualTo(3);
    assertThat(permits.waitedNanos()).isPositive();
  }

  @Test
  void givesAThreadOne() {
    Permits permits = new Permits(2);
    Permits.Permit permit = permits.acquire();
    assertThatThrownBy(permits::acquire)
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("asks for a second permit of the GPU");
    permit.close();
    permit.close();
    assertThat(permits.free()).isEqualTo(2);
    permits.acquire().close();
  }

  @Test
  void endsAWaitThatIsInterrupted() throws InterruptedException {
    Permits permits = new Permits(1);
    Permits.Permit permit = permits.acquire();
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    Thread waiting =
        new Thread(
            () -> {
              try {
                permits.acquire();
              } catch (GpuException e) {
                interrupted.complete(Thread.currentThread().isInterrupted());
              }
            });
    waiting.start();
    waiting.interrupt();
    waiting.join();
    assertThat(interrupted).isCompletedWithValue(true);
    permit.close();
    assertThat(permits.free()).isEqualTo(1);
  }

  @Test
  void refusesNone() {
    assertThatThrownBy(() -> new Permits(0)).hasMessage("0 permits");
    assertThatThrownBy(() -> new GpuSettings(0, 0, 1))
        .hasMessage("ordinal 0, budget of 0 bytes, permits 1");
  }
}
