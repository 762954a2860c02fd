package org.sparkao.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.OutOfDeviceMemoryException;

class TestCpuDevice {
  private final CpuDevice device = CpuDevice.open(MemoryBudget.of(1000));

  @Test
  void describesItself() {
    assertThat(device.info().kind()).isEqualTo(DeviceInfo.Kind.CPU);
    assertThat(device.info().label()).matches("cpu \\(Java \\d+, \\w+\\)");
  }

  @Test
  void readsWhatWasWritten() {
    try (Buffer buffer = device.allocate(10)) {
      ByteBuffer some = ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}).position(1);
      device.write(buffer, 3, some);
      assertThat(some.position()).isEqualTo(1);
      ByteBuffer answer = ByteBuffer.allocateDirect(6);
      device.read(buffer, 2, answer);
      device.synchronize();
      assertThat(answer).isEqualTo(ByteBuffer.wrap(new byte[] {-1, 2, 3, 4, 5, -1}));
    }
  }

  @Test
  void showsItsMemory() {
    Buffer buffer = device.allocate(16);
    ByteBuffer part = CpuDevice.bytes(buffer.slice(4, 12).slice(4, 4));
    assertThat(part.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(part.capacity()).isEqualTo(4);
    assertThat(part.getFloat(0)).isNaN();
    part.putInt(0, 0x01020304);
    assertThat(CpuDevice.bytes(buffer).get(8)).isEqualTo((byte) 4);
  }

  @Test
  void keepsTheBudget() {
    Buffer buffer = device.allocate(900);
    assertThatThrownBy(() -> device.allocate(101))
        .isInstanceOf(OutOfDeviceMemoryException.class)
        .hasMessageContaining("101 bytes wanted, but 900 bytes of the budget of 1,000 bytes");
    buffer.slice(0, 10).close();
    assertThat(device.budget().inUse()).isEqualTo(900);
    buffer.close();
    buffer.close();
    assertThat(device.budget().inUse()).isZero();
    assertThatThrownBy(() -> CpuDevice.open().allocate(1L << 31))
        .isInstanceOf(OutOfDeviceMemoryException.class)
        .hasMessageContaining("2,147,483,648 bytes wanted");
  }

  @Test
  void memoryOutsideBuffersCounts() {
    CpuDevice.Held held = device.hold(600);
    assertThat(held.bytes()).isEqualTo(600);
    assertThat(device.budget().inUse()).isEqualTo(600);
    assertThatThrownBy(() -> device.hold(401))
        .isInstanceOf(OutOfDeviceMemoryException.class)
        .hasMessageContaining("401 bytes wanted, but 600 bytes of the budget of 1,000 bytes");
    held.close();
    held.close();
    assertThat(device.budget().inUse()).isZero();
  }

  @Test
  void refusesWrongUse() {
    Buffer buffer = device.allocate(10);
    Buffer part = buffer.slice(2, 5);
    assertThatThrownBy(() -> device.write(part, 3, ByteBuffer.allocate(3)))
        .hasMessage("a write of 3 bytes at 3 in a buffer of 5 bytes");
    assertThatThrownBy(() -> part.slice(-1, 3)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> device.allocate(0)).isInstanceOf(IllegalArgumentException.class);
    buffer.close();
    assertThatThrownBy(() -> CpuDevice.bytes(part))
        .isInstanceOf(GpuException.class)
        .hasMessageEndingWith("is used after it was closed");
  }

  @Test
  void isNoGpu() {
    Buffer buffer = device.allocate(10);
    assertThatThrownBy(() -> CudaDevice.address(buffer))
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("is used on a GPU");
  }
}
