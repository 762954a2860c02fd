package org.sparkao.gpu.device;

import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/** A whole allocation, or a view of a part. */
final class CudaBuffer implements Buffer {
  private final CudaMemory memory;
  private final long offset;
  private final long bytes;
  private final boolean whole;

  private CudaBuffer(CudaMemory memory, long offset, long bytes, boolean whole) {
    this.memory = memory;
    this.offset = offset;
    this.bytes = bytes;
    this.whole = whole;
  }

  /** A whole allocation. */
  static CudaBuffer of(CudaMemory memory, long bytes) {
    return new CudaBuffer(memory, 0, bytes, true);
  }

  /** The address of a buffer that must lie on a device. */
  static DevicePointer pointer(Buffer buffer, CudaDevice device) {
    if (buffer instanceof CudaBuffer cuda && cuda.memory.device() == device) {
      return cuda.memory.pointer(cuda.offset);
    }
    throw new GpuException(
        GpuErrors.otherDevice(buffer.device().info().label(), device.info().label()));
  }

  @Override
  public Device device() {
    return memory.device();
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public long address() {
    return memory.pointer(offset).address();
  }

  @Override
  public Buffer slice(long from, long size) {
    Ranges.checkSize(size);
    Ranges.check("a slice", from, size, bytes);
    return new CudaBuffer(memory, offset + from, size, false);
  }

  @Override
  public void close() {
    if (whole) {
      memory.close();
    }
  }
}
