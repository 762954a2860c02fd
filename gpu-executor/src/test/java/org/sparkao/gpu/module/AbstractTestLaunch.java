package org.sparkao.gpu.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaGraph;
import org.sparkao.gpu.device.MemoryBudget;

/** Kernels, their arguments and graphs of them, behind a driver, real or not. */
public abstract class AbstractTestLaunch {
  private static final String OP = "devicetest";

  private CudaDevice device;
  private KernelLibrary kernels;

  @BeforeEach
  void open() {
    device = CudaDevice.open(0, MemoryBudget.of(32 << 20));
    kernels = KernelLibrary.of(device);
  }

  @AfterEach
  void close() {
    kernels.close();
    device.close();
  }

  @Test
  void scales() {
    Buffer data = floats(1000);
    scale(data, 1000, 2.5f).run();
    FloatBuffer scaled = read(data, 4000).asFloatBuffer();
    IntStream.range(0, 1000).forEach(i -> assertThat(scaled.get(i)).isEqualTo(2.5f * i));
  }

  @Test
  void passesEveryKindOfArgument() {
    Buffer out = device.allocate(24);
    kernels
        .kernel(OP, "devicetest_kinds")
        .launch("kinds")
        .grid(1)
        .block(32)
        .with(out)
        .withNull()
        .with(Long.MIN_VALUE + 5)
        .with(-7)
        .run();
    ByteBuffer answer = read(out, 24);
    assertThat(answer.getLong(0)).isEqualTo(Long.MIN_VALUE + 5);
    assertThat(answer.getLong(8)).isEqualTo(-7);
    assertThat(answer.getLong(16)).isEqualTo(1);
  }

  @Test
  void allowsLargeSharedMemory() {
    int count = 20_000;
    Buffer out = device.allocate(4L * count);
    kernels
        .kernel(OP, "devicetest_shared")
        .launch("large")
        .grid(1)
        .block(256)
        .sharedBytes(4 * count)
        .with(out)
        .with(count)
        .run();
    FloatBuffer numbers = read(out, 4 * count).asFloatBuffer();
    IntStream.range(0, count).forEach(i -> assertThat(numbers.get(i)).isEqualTo(count - 1 - i));
  }

  @Test
  void keepsTheOrderOfDependentLaunches() {
    Buffer number = device.allocate(4);
    device.stream().fill(number, (byte) 0);
    IntStream.range(0, 10).forEach(i -> next(number).dependent().run());
    assertThat(read(number, 4).getInt(0)).isEqualTo(after(10));
  }

  @Test
  void replaysGraphs() {
    Buffer number = device.allocate(4);
    device.stream().fill(number, (byte) 0);
    next(number).run();
    try (CudaGraph graph =
        device.capture(() -> IntStream.range(0, 3).forEach(i -> next(number).dependent().run()))) {
      assertThat(read(number, 4).getInt(0)).as("nothing ran").isEqualTo(after(1));
      graph.replay();
      graph.replay();
      assertThat(read(number, 4).getInt(0)).isEqualTo(after(7));
    }
  }

  @Test
  void leavesCaptureWhenItFails() {
    Buffer number = device.allocate(4);
    assertThatThrownBy(() -> device.capture(() -> device.allocate(1)))
        .isInstanceOf(GpuException.class)
        .hasMessage("an allocation while this thread captures a graph; do it before capture");
    assertThatThrownBy(() -> device.capture(() -> read(number, 4)))
        .hasMessageStartingWith("a read while");
    assertThatThrownBy(() -> device.capture(device::synchronize))
        .hasMessageStartingWith("synchronize while");
    device.stream().fill(number, (byte) 0);
    next(number).run();
    assertThat(read(number, 4).getInt(0)).isEqualTo(1);
  }

  @Test
  void refusesWrongArguments() {
    Buffer data = floats(10);
    assertThatThrownBy(
            () -> kernels.kernel(OP, "devicetest_scale").launch("ten").with(data).with(1L).run())
        .isInstanceOf(GpuException.class)
        .hasMessage(
            "kernel devicetest_scale [ten] with grid 1x1x1, block 1, 0 bytes shared is given 2"
                + " arguments of [8, 8] bytes, its parameters are 4 of [8, 8, 4, 4] bytes");
    Launch launch = kernels.kernel(OP, "devicetest_next").launch("one");
    assertThatThrownBy(() -> launch.with(CpuDevice.open().allocate(4)))
        .hasMessageContaining("a buffer of cpu");
  }

  @Test
  void namesTheLaunchThatTheDriverRefuses() {
    Buffer data = floats(10);
    assertThatThrownBy(() -> scale(data, 10, 1).grid(3).block(2000).run())
        .isInstanceOf(GpuException.class)
        .hasMessageContaining(device.info().label())
        .hasMessageContaining("kernel devicetest_scale [10 floats] with grid 3x1x1, block 2000")
        .hasMessageMatching("(?s).* failed with CUDA_ERROR_\\w+ \\(\\d+\\).*");
    assertThatThrownBy(() -> scale(data, 10, 1).sharedBytes(300 << 10).run())
        .hasMessageContaining("allowing dynamic shared memory for kernel devicetest_scale")
        .hasMessageContaining("307200 bytes shared");
    scale(data, 10, 1).run();
    device.synchronize();
  }

  @Test
  void namesWhatIsNotInTheBuild() {
    assertThatThrownBy(() -> kernels.kernel(OP, "devicetest_absent"))
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("looking for kernel devicetest_absent of devicetest")
        .hasMessageContaining("CUDA_ERROR_NOT_FOUND");
    assertThatThrownBy(() -> kernels.kernel("no_such_op", "f"))
        .isInstanceOf(GpuException.class)
        .hasMessageStartingWith("this build has no CUDA kernels for no_such_op")
        .hasMessageContaining("nvcc");
    assertThat(KernelLibrary.built(OP)).isTrue();
    assertThat(KernelLibrary.built("no_such_op")).isFalse();
  }

  @Test
  void findsAFunctionOnce() {
    assertThat(kernels.kernel(OP, "devicetest_next"))
        .isSameAs(kernels.kernel(OP, "devicetest_next"));
    assertThat(kernels.hopper()).isEqualTo(device.info().architecture().equals("sm_90"));
  }

  private Launch scale(Buffer data, int count, float factor) {
    return kernels
        .kernel(OP, "devicetest_scale")
        .launch(count + " floats")
        .grid((count + 127) / 128)
        .block(128)
        .with(data)
        .with(data)
        .with(count)
        .with(factor);
  }

  private Launch next(Buffer number) {
    return kernels.kernel(OP, "devicetest_next").launch("next").grid(1).block(32).with(number);
  }

  /** 0, 1, 4, 13, ... */
  private static int after(int launches) {
    return IntStream.range(0, launches).reduce(0, (number, i) -> 3 * number + 1);
  }

  private Buffer floats(int count) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    IntStream.range(0, count).forEach(i -> bytes.putFloat(4 * i, i));
    Buffer data = device.allocate(4L * count);
    device.write(data, 0, bytes);
    return data;
  }

  private ByteBuffer read(Buffer from, int bytes) {
    ByteBuffer to = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    device.read(from, 0, to);
    return to;
  }
}
