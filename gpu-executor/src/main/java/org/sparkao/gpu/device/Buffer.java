package org.sparkao.gpu.device;

/** Memory of a device, or a part of it. Using it after {@link #close()} is an error. */
public interface Buffer extends AutoCloseable {
  /** Where the memory lies. */
  Device device();

  /** Its size. */
  long bytes();

  /**
   * Where it begins: its address on the device. On the processor, whose memory has none that stays,
   * its place in the allocation that it is a part of. What was allocated begins at a multiple of
   * 256 on both.
   */
  long address();

  /**
   * A view of a part of this memory: it is valid as long as this buffer is, and closing it does
   * nothing.
   *
   * @param offset first byte
   * @param bytes size of the part, at least 1
   */
  Buffer slice(long offset, long bytes);

  /** Gives the memory back. Closing twice does nothing. */
  @Override
  void close();
}
