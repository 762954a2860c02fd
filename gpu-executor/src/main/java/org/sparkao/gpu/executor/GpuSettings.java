package org.sparkao.gpu.executor;

/**
 * How a JVM uses its GPU.
 *
 * @param ordinal the driver's number of the GPU
 * @param budgetBytes the most device memory in use at a time
 * @param permits how many tasks work on it at a time, each with a stream of its own
 */
public record GpuSettings(int ordinal, long budgetBytes, int permits) {
  /** Checks the ranges. */
  public GpuSettings {
    if (ordinal < 0 || budgetBytes < 1 || permits < 1) {
      throw new IllegalArgumentException(
          "ordinal " + ordinal + ", budget of " + budgetBytes + " bytes, permits " + permits);
    }
  }
}
