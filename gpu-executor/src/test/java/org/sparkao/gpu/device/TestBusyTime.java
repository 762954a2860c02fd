package org.sparkao.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.BusyTime.Engine;

/** Time at work, from spans of several streams. */
class TestBusyTime {
  private final BusyTime busy = new BusyTime();

  @Test
  void whatHappensTogetherCountsOnce() {
    busy.add(Engine.COPY_IN, 0, 10);
    busy.add(Engine.COMPUTE, 5, 20);
    busy.add(Engine.COPY_IN, 12, 15);
    busy.add(Engine.COPY_OUT, 30, 31);

    assertThat(busy.nanos(Engine.COPY_IN)).isEqualTo(13);
    assertThat(busy.nanos(Engine.COMPUTE)).isEqualTo(15);
    assertThat(busy.nanos(Engine.COPY_OUT)).isEqualTo(1);
    assertThat(busy.nanos()).isEqualTo(21);
  }

  @Test
  void spansComeInAnyOrder() {
    busy.add(Engine.COMPUTE, 40, 50);
    busy.add(Engine.COMPUTE, 0, 10);
    busy.add(Engine.COMPUTE, 20, 30);
    busy.add(Engine.COMPUTE, 5, 45);
    busy.add(Engine.COMPUTE, 7, 7);

    assertThat(busy.nanos(Engine.COMPUTE)).isEqualTo(50);
  }

  @Test
  void manySpansAreAddedUp() {
    for (long i = 0; i < 5000; i++) {
      busy.add(Engine.COMPUTE, 10 * i, 10 * i + 3);
      busy.add(Engine.COMPUTE, 10 * i + 2, 10 * i + 4);
    }
    assertThat(busy.nanos()).isEqualTo(5000 * 4);
  }
}
