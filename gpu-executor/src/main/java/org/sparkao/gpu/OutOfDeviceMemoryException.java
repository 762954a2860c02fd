package org.sparkao.gpu;

/**
 * The memory budget or the device is exhausted. Work in smaller pieces can succeed where this was
 * thrown, and nothing of the failed allocation remains.
 */
public final class OutOfDeviceMemoryException extends GpuException {
  private static final long serialVersionUID = 1L;

  /** With a message of {@link GpuErrors}. */
  public OutOfDeviceMemoryException(String message) {
    super(message);
  }
}
