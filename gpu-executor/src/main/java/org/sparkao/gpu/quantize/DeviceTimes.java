package org.sparkao.gpu.quantize;

/**
 * What slices took on the device, each in its own stream: slices under way at the same time all
 * count, and so does the wait for an engine that another stream uses.
 *
 * @param copyInNanos copying weights to the device
 * @param computeNanos kernels
 * @param copyOutNanos copying back
 */
public record DeviceTimes(long copyInNanos, long computeNanos, long copyOutNanos) {
  /** Nothing yet. */
  public static final DeviceTimes NONE = new DeviceTimes(0, 0, 0);

  /** Both together. */
  public DeviceTimes plus(DeviceTimes other) {
    return new DeviceTimes(
        copyInNanos + other.copyInNanos,
        computeNanos + other.computeNanos,
        copyOutNanos + other.copyOutNanos);
  }
}
