package org.sparkao.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.OutOfDeviceMemoryException;

/** Memory, copies, streams and events of a device behind a driver, real or not. */
public abstract class AbstractTestCudaDevice {
  /** Larger than what is staged at once, and no multiple of it. */
  private static final int LARGE = (3 << 20) + 12345;

  private CudaDevice device;

  @BeforeEach
  void open() {
    device = CudaDevice.open(0, MemoryBudget.of(32 << 20));
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void describesItself() {
    assertThat(device.info().kind()).isEqualTo(DeviceInfo.Kind.CUDA);
    assertThat(device.info().architecture()).matches("sm_\\d+");
    assertThat(device.info().memoryBytes()).isPositive();
    assertThat(device.sharedBytesOfBlock()).isGreaterThanOrEqualTo(99 << 10);
    assertThat(Devices.probe().summary()).startsWith("CUDA ").contains(device.info().label());
  }

  @Test
  void copiesFromAndToHeapAndDirectMemory() {
    ByteBuffer heap = random(LARGE, false);
    ByteBuffer direct = random(LARGE, true);
    Buffer a = device.allocate(LARGE);
    Buffer b = device.allocate(LARGE);
    device.write(a, 0, heap);
    device.write(b, 0, direct.asReadOnlyBuffer());
    assertThat(read(a, 0, LARGE, true)).isEqualTo(heap);
    assertThat(read(b, 0, LARGE, false)).isEqualTo(direct);
    assertThat(heap.position()).isZero();
  }

  @Test
  void copiesParts() {
    Buffer buffer = device.allocate(1000);
    device.stream().fill(buffer, (byte) 7);
    ByteBuffer some = random(100, false).position(20).limit(60);
    device.write(buffer.slice(100, 800).slice(100, 600), 3, some);
    assertThat(read(buffer, 203, 40, true)).isEqualTo(some);
    assertThat(read(buffer, 202, 1, false).get(0)).isEqualTo((byte) 7);
    assertThat(read(buffer, 243, 1, false).get(0)).isEqualTo((byte) 7);
    assertThat(CudaDevice.address(buffer.slice(100, 800).slice(100, 600)))
        .isEqualTo(CudaDevice.address(buffer) + 200);
    assertThat(CudaDevice.address(buffer) % 256).isZero();
  }

  @Test
  void copiesWithinTheDevice() {
    ByteBuffer some = random(1 << 16, true);
    Buffer from = device.allocate(1 << 16);
    Buffer to = device.allocate(1 << 16);
    device.write(from, 0, some);
    device.stream().copy(from, to);
    assertThat(read(to, 0, 1 << 16, true)).isEqualTo(some);
  }

  @Test
  void copiesPinnedMemoryBesideOtherStreams() {
    ByteBuffer some = random(1 << 20, false);
    Buffer memory = device.allocate(1 << 20);
    try (PinnedBuffer in = device.allocatePinned(1 << 20);
        PinnedBuffer out = device.allocatePinned(2 << 20);
        CudaStream up = device.newStream();
        CudaStream down = device.newStream();
        CudaEvent arrived = device.newEvent();
        CudaEvent left = device.newEvent()) {
      in.buffer().put(some.duplicate());
      up.upload(in, memory);
      up.record(arrived);
      down.waitFor(arrived);
      down.download(memory, out.slice(1 << 19, 1 << 20));
      down.record(left);
      left.synchronize();
      assertThat(left.reached()).isTrue();
      assertThat(left.nanosSince(arrived)).isNotNegative();
      assertThat(out.buffer().slice(1 << 19, 1 << 20)).isEqualTo(some);
      assertThat(out.buffer().order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
      assertThatThrownBy(() -> up.upload(in, memory.slice(0, 5)))
          .hasMessage("a copy of 1048576 bytes to 5 bytes");
    }
  }

  @Test
  void keepsTheBudget() {
    Buffer most = device.allocate(30 << 20);
    assertThatThrownBy(() -> device.allocate(3 << 20))
        .isInstanceOf(OutOfDeviceMemoryException.class)
        .hasMessage(
            "%s: 3,145,728 bytes wanted, but 31,457,280 bytes of the budget of 33,554,432 bytes are"
                    .formatted(device.info().label())
                + " in use and 2,097,152 bytes free; use smaller slices or fewer tasks at a time,"
                + " or raise the budget");
    most.close();
    most.close();
    assertThat(device.budget().inUse()).isZero();
    device.allocate(3 << 20).close();
    assertThat(device.budget().peak()).isEqualTo(30 << 20);
  }

  @Test
  void saysThatTheDeviceIsFull() {
    try (CudaDevice unlimited = CudaDevice.open(0, MemoryBudget.unlimited())) {
      long tooMuch = device.info().memoryBytes() + 1;
      assertThatThrownBy(() -> unlimited.allocate(tooMuch))
          .isInstanceOf(OutOfDeviceMemoryException.class)
          .hasMessageContaining("%,d bytes wanted, and the device has not so much left", tooMuch)
          .hasMessageContaining("nvidia-smi");
      assertThat(unlimited.budget().inUse()).isZero();
      unlimited.allocate(1 << 20).close();
    }
  }

  @Test
  void refusesWrongUse() {
    Buffer buffer = device.allocate(10);
    assertThatThrownBy(() -> device.write(buffer, 5, ByteBuffer.allocate(6)))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("a write of 6 bytes at 5 in a buffer of 10 bytes");
    assertThatThrownBy(() -> device.read(buffer, -1, ByteBuffer.allocate(6)))
        .hasMessage("a read of 6 bytes at -1 in a buffer of 10 bytes");
    assertThatThrownBy(() -> buffer.slice(10, 1))
        .hasMessage("a slice of 1 bytes at 10 in a buffer of 10 bytes");
    assertThatThrownBy(() -> device.allocate(0)).hasMessage("a buffer of 0 bytes");
    Buffer elsewhere = CpuDevice.open().allocate(10);
    assertThatThrownBy(() -> device.read(elsewhere, 0, ByteBuffer.allocate(1)))
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("a buffer of cpu")
        .hasMessageContaining("is used on cuda:0");
    buffer.close();
    assertThatThrownBy(() -> device.read(buffer, 0, ByteBuffer.allocate(1)))
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("a buffer of 10 bytes of cuda:0")
        .hasMessageEndingWith("is used after it was closed");
  }

  @Test
  void bindsStreamsToThreads() {
    CudaStream own = device.stream();
    CudaStream other = device.newStream();
    device.on(
        other,
        () -> {
          assertThat(device.stream()).isSameAs(other);
          assertThat(CompletableFuture.supplyAsync(device::stream).join()).isSameAs(own);
        });
    assertThat(device.stream()).isSameAs(own);
  }

  @Test
  void servesManyThreads() {
    IntStream.range(0, 8)
        .mapToObj(i -> CompletableFuture.runAsync(() -> copyInAnOwnStream(1000 * i + 1)))
        .toList()
        .forEach(CompletableFuture::join);
    assertThat(device.budget().inUse()).isZero();
  }

  @Test
  void freesEverythingWithTheDevice() {
    CudaDevice second = CudaDevice.open(0, MemoryBudget.of(1 << 20));
    Buffer buffer = second.allocate(1 << 20);
    CudaStream stream = second.newStream();
    PinnedBuffer pinned = second.allocatePinned(100);
    second.close();
    second.close();
    assertThat(second.budget().inUse()).isZero();
    buffer.close();
    stream.close();
    pinned.close();
    assertThatThrownBy(() -> second.allocate(1))
        .hasMessageEndingWith("is used after it was closed");
    assertThatThrownBy(pinned::buffer).hasMessageContaining("is used after it was closed");
  }

  private void copyInAnOwnStream(int bytes) {
    try (CudaStream stream = device.newStream();
        Buffer memory = device.allocate(bytes)) {
      device.on(
          stream,
          () -> {
            ByteBuffer some = random(bytes, false);
            device.write(memory, 0, some);
            assertThat(read(memory, 0, bytes, true)).isEqualTo(some);
          });
    }
  }

  private ByteBuffer read(Buffer from, long offset, int bytes, boolean direct) {
    ByteBuffer to = direct ? ByteBuffer.allocateDirect(bytes) : ByteBuffer.allocate(bytes);
    device.read(from, offset, to);
    return to;
  }

  private static ByteBuffer random(int bytes, boolean direct) {
    byte[] some = new byte[bytes];
    new Random(bytes).nextBytes(some);
    return direct ? ByteBuffer.allocateDirect(bytes).put(some).flip() : ByteBuffer.wrap(some);
  }
}
