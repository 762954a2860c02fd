package org.sparkao.gpu.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.MemoryBudget;

class TestSplitOnOutOfMemory {
  private final CpuDevice device = CpuDevice.open(MemoryBudget.of(10));
  private final SplitOnOutOfMemory splitter = new SplitOnOutOfMemory();
  private final List<Rows> tried = new ArrayList<>();

  @Test
  void runsWhatFitsAsAWhole() {
    assertThat(splitter.run(new Rows(0, 10), Rows::halves, this::sum)).containsExactly(45);
    assertThat(splitter.splits()).isZero();
  }

  @Test
  void splitsAndKeepsTheOrder() {
    assertThat(splitter.run(new Rows(0, 33), Rows::halves, this::sum))
        .containsExactly(28, 92, 156, 252);
    assertThat(tried)
        .containsExactly(
            new Rows(0, 33),
            new Rows(0, 16),
            new Rows(0, 8),
            new Rows(8, 16),
            new Rows(16, 33),
            new Rows(16, 24),
            new Rows(24, 33));
    assertThat(splitter.splits()).isEqualTo(3);
    assertThat(device.budget().inUse()).isZero();
  }

  @Test
  void refusesWhatIsTooSmallToSplit() {
    try (Buffer other = device.allocate(10)) {
      assertThatThrownBy(() -> splitter.run(new Rows(0, 2), Rows::halves, this::sum))
          .isInstanceOf(OutOfDeviceMemoryException.class)
          .hasMessageStartingWith(
              "Rows[begin=0, end=1] cannot be split further and does not fit: cpu")
          .hasMessageContaining("1 bytes wanted, but 10 bytes of the budget of 10 bytes")
          .hasCauseInstanceOf(OutOfDeviceMemoryException.class);
      assertThat(other.bytes()).isEqualTo(10);
    }
  }

  @Test
  void passesOtherFailuresOn() {
    assertThatThrownBy(
            () ->
                splitter.run(
                    new Rows(0, 2),
                    Rows::halves,
                    rows -> {
                      throw new GpuException("broken");
                    }))
        .hasMessage("broken");
    assertThat(splitter.splits()).isZero();
  }

  private int sum(Rows rows) {
    tried.add(rows);
    try (Buffer buffer = device.allocate(rows.end - rows.begin)) {
      return (int) ((rows.begin + rows.end - 1) * buffer.bytes() / 2);
    }
  }

  private record Rows(int begin, int end) {
    List<Rows> halves() {
      int middle = (begin + end) / 2;
      return middle == begin ? List.of() : List.of(new Rows(begin, middle), new Rows(middle, end));
    }
  }
}
