package org.sparkao.gpu.device;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/**
 * Memory of the host that the GPU reads and writes by itself: copies from and to it run beside
 * other work. See {@link CudaStream#upload} and {@link CudaStream#download}.
 */
public final class PinnedBuffer implements AutoCloseable {
  private final Memory memory;
  private final int offset;
  private final int bytes;
  private final boolean whole;

  private PinnedBuffer(Memory memory, int offset, int bytes, boolean whole) {
    this.memory = memory;
    this.offset = offset;
    this.bytes = bytes;
    this.whole = whole;
  }

  /** Takes pinned memory; the caller closes it. */
  static PinnedBuffer allocate(CudaDevice device, int bytes) {
    Ranges.checkSize(bytes);
    Pointer pointer = new Pointer();
    device.call(
        "cuMemHostAlloc of " + bytes + " bytes",
        () -> JCudaDriver.cuMemHostAlloc(pointer, bytes, 0));
    Memory memory = device.own(new Memory(device, pointer, bytes));
    return new PinnedBuffer(memory, 0, bytes, true);
  }

  /** Its size. */
  public int bytes() {
    return bytes;
  }

  /**
   * The memory itself, little-endian, from 0 to its size. Not to be touched while a copy runs, and
   * never after {@link #close()}: the address is then no longer this JVM's.
   */
  public ByteBuffer buffer() {
    memory.requireOpen();
    return memory.contents.slice(offset, bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A view of a part; closing it does nothing. */
  public PinnedBuffer slice(int from, int size) {
    Ranges.checkSize(size);
    Ranges.check("a slice", from, size, bytes);
    return new PinnedBuffer(memory, offset + from, size, false);
  }

  /** Gives the memory back. Copies from or to it must have ended. Closing twice does nothing. */
  @Override
  public void close() {
    if (whole) {
      memory.close();
    }
  }

  /** The address for the driver. */
  Pointer pointer() {
    memory.requireOpen();
    return memory.base.withByteOffset(offset);
  }

  private static final class Memory extends Owned {
    private final Pointer base;
    private final ByteBuffer contents;

    Memory(CudaDevice device, Pointer base, int bytes) {
      super(device);
      this.base = base;
      this.contents = base.getByteBuffer(0, bytes);
    }

    @Override
    void free() {
      device().call("cuMemFreeHost", () -> JCudaDriver.cuMemFreeHost(base));
    }

    @Override
    public String toString() {
      return "pinned memory of " + contents.capacity() + " bytes";
    }
  }
}
