package org.sparkao.gpu;

/**
 * A device, a kernel or a launch failed. The message names what, with the values and the way out.
 */
public class GpuException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** With a message of {@link GpuErrors}. */
  public GpuException(String message) {
    super(message);
  }

  /** With a message of {@link GpuErrors} and what was caught. */
  public GpuException(String message, Throwable cause) {
    super(message, cause);
  }
}
