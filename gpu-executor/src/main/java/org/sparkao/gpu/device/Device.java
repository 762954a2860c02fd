package org.sparkao.gpu.device;

import java.nio.ByteBuffer;

/**
 * Where operators compute: its memory, and the order of what runs on it. One of {@link CpuDevice}
 * and {@link CudaDevice}.
 */
public interface Device extends AutoCloseable {
  /** What device this is. */
  DeviceInfo info();

  /** How much of its memory may be used, and how much is. */
  MemoryBudget budget();

  /**
   * Takes memory; the contents are undefined and the address is a multiple of 256. The caller
   * closes the buffer.
   *
   * @param bytes at least 1
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when the budget or the device is exhausted
   */
  Buffer allocate(long bytes);

  /**
   * Copies all remaining bytes of {@code from} to {@code offset} of a buffer, after the work
   * launched before, and returns when {@code from} may be reused. The position of {@code from}
   * stays.
   */
  void write(Buffer to, long offset, ByteBuffer from);

  /**
   * Fills the remaining bytes of {@code to} from {@code offset} of a buffer, after all work
   * launched before. The position of {@code to} stays.
   */
  void read(Buffer from, long offset, ByteBuffer to);

  /** Waits for everything that the calling thread launched. */
  void synchronize();

  /** Frees the device's buffers and everything else taken from it. Closing twice does nothing. */
  @Override
  void close();
}
