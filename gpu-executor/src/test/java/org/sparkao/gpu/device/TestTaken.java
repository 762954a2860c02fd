package org.sparkao.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.OutOfDeviceMemoryException;

class TestTaken {
  private final CpuDevice device = CpuDevice.open(MemoryBudget.of(1000));

  private Buffer two(long first, long second) {
    try (Taken taken = new Taken()) {
      Buffer one = taken.add(device.allocate(first), Buffer::close);
      taken.add(device.allocate(second), Buffer::close);
      return taken.keptBy(one);
    }
  }

  @Test
  void whatIsMadeKeepsWhatWasTaken() {
    two(300, 400);
    assertThat(device.budget().inUse()).isEqualTo(700);
  }

  @Test
  void whatCannotBeMadeLeavesNothing() {
    assertThatThrownBy(() -> two(300, 800)).isInstanceOf(OutOfDeviceMemoryException.class);
    assertThat(device.budget().inUse()).isZero();
  }

  @Test
  void lastIsClosedFirst() {
    List<String> closed = new ArrayList<>();
    try (Taken taken = new Taken()) {
      taken.add("first", closed::add);
      taken.add("second", closed::add);
    }
    assertThat(closed).containsExactly("second", "first");
  }
}
