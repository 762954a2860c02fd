package org.sparkao.jobs.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

/** At what tasks take turns. */
class TestTurns {
  @Test
  void eachDeviceHasALockOfItsOwn() {
    ReentrantLock first = Turns.of(0);
    assertThat(Turns.of(0)).isSameAs(first);
    assertThat(Turns.of(1)).isNotSameAs(first);
    assertThat(first.isFair()).isTrue();
  }
}
