package org.sparkao.gpu.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaStream;

/** The GPU of a JVM, behind a driver, real or not. */
public abstract class AbstractTestGpuExecutor {
  private static final GpuSettings SETTINGS = new GpuSettings(0, 1 << 20, 2);

  @Test
  void isOneForAGpu() {
    assertThat(GpuExecutor.open()).isEmpty();
    try (GpuExecutor executor = GpuExecutor.start(SETTINGS)) {
      assertThat(GpuExecutor.start(SETTINGS)).isSameAs(executor);
      assertThat(GpuExecutor.open()).containsExactly(executor);
      assertThatThrownBy(() -> GpuExecutor.start(new GpuSettings(0, 1 << 20, 1)))
          .isInstanceOf(GpuException.class)
          .hasMessageContaining("this JVM already works on " + executor.device().info().label());
    }
    assertThat(GpuExecutor.open()).isEmpty();
  }

  @Test
  void runsTasksInStreamsOfTheirOwn() {
    try (GpuExecutor executor = GpuExecutor.start(SETTINGS)) {
      CudaStream shared = executor.device().stream();
      List<CudaStream> used =
          IntStream.range(0, 20)
              .parallel()
              .mapToObj(i -> executor.run(() -> executor.device().stream()))
              .toList();
      assertThat(used).doesNotContain(shared);
      assertThat(used.stream().distinct().count()).isBetween(1L, 2L);
      assertThat(executor.deviceNanos()).isPositive();
      assertThat(executor.permits().free()).isEqualTo(2);
      assertThatThrownBy(() -> executor.run(() -> executor.run(() -> 1)))
          .hasMessageContaining("asks for a second permit");
      assertThat(executor.permits().free()).isEqualTo(2);
    }
  }

  /** As tasks that wait for each other do. */
  @Test
  void runsTasksBesideThoseWithAllPermits() {
    try (GpuExecutor executor = GpuExecutor.start(new GpuSettings(0, 1 << 20, 1))) {
      CudaStream shared = executor.device().stream();
      List<CudaStream> used = new ArrayList<>();
      executor.run(
          () -> {
            Thread beside =
                new Thread(
                    () -> used.add(executor.runWithoutPermit(() -> executor.device().stream())));
            beside.start();
            used.add(executor.device().stream());
            return join(beside);
          });
      assertThat(used).hasSize(2).doesNotContain(shared).doesNotHaveDuplicates();
      assertThatThrownBy(
              () ->
                  executor.runWithoutPermit(
                      () -> {
                        throw new IllegalStateException("broken");
                      }))
          .hasMessage("broken");
      assertThat(executor.permits().free()).isEqualTo(1);
    }
  }

  private static boolean join(Thread thread) {
    try {
      thread.join(10_000);
      return thread.isAlive();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void splitsWhatDoesNotFit() {
    try (GpuExecutor executor = GpuExecutor.start(SETTINGS)) {
      List<Integer> pieces =
          executor.withSplitOnOutOfMemory(
              5 << 20,
              bytes -> bytes < 100 ? List.of() : List.of(bytes / 2, bytes - bytes / 2),
              bytes -> touch(executor, bytes));
      assertThat(pieces).hasSize(8).containsOnly(5 << 17);
      assertThat(executor.splits()).isEqualTo(7);
      assertThatThrownBy(
              () ->
                  executor.withSplitOnOutOfMemory(
                      2 << 20, bytes -> List.of(), bytes -> touch(executor, bytes)))
          .isInstanceOf(OutOfDeviceMemoryException.class)
          .hasMessageStartingWith("2097152 cannot be split further and does not fit: cuda:0");
      assertThat(executor.device().budget().inUse()).isZero();
    }
  }

  private static int touch(GpuExecutor executor, int bytes) {
    try (Buffer buffer = executor.device().allocate(bytes)) {
      executor.device().stream().fill(buffer, (byte) 1);
      return bytes;
    }
  }
}
