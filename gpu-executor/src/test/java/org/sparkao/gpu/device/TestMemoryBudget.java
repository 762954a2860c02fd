package org.sparkao.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TestMemoryBudget {
  @Test
  void countsWhatIsInUse() {
    MemoryBudget budget = MemoryBudget.of(100);
    assertThat(budget.reserve(60)).isTrue();
    assertThat(budget.reserve(41)).isFalse();
    assertThat(budget.inUse()).isEqualTo(60);
    assertThat(budget.free()).isEqualTo(40);
    assertThat(budget.reserve(40)).isTrue();
    budget.release(60);
    assertThat(budget.inUse()).isEqualTo(40);
    assertThat(budget.peak()).isEqualTo(100);
    assertThat(budget.bytes()).isEqualTo(100);
  }

  @Test
  void doesNotOverflow() {
    MemoryBudget budget = MemoryBudget.unlimited();
    assertThat(budget.reserve(10)).isTrue();
    assertThat(budget.reserve(Long.MAX_VALUE)).isFalse();
    assertThat(budget.free()).isEqualTo(Long.MAX_VALUE - 10);
  }

  @Test
  void refusesNothingAsALimit() {
    assertThatThrownBy(() -> MemoryBudget.of(0)).hasMessage("a memory budget of 0 bytes");
  }

  @Test
  void isNeverExceededByManyThreads() {
    MemoryBudget budget = MemoryBudget.of(5);
    IntStream.range(0, 8)
        .mapToObj(i -> CompletableFuture.runAsync(() -> takeAndGive(budget)))
        .toList()
        .forEach(CompletableFuture::join);
    assertThat(budget.inUse()).isZero();
    assertThat(budget.peak()).isBetween(1L, 5L);
  }

  private static void takeAndGive(MemoryBudget budget) {
    for (int i = 0; i < 10_000; i++) {
      if (budget.reserve(2)) {
        budget.release(2);
      }
    }
  }
}
