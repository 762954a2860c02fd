package org.sparkao.gpu.device;

import java.util.Objects;

/**
 * What a device is. What {@link #arithmetic} says is part of every cache key and of the rows of
 * results.
 *
 * @param kind CPU or CUDA
 * @param ordinal the driver's number of the device, 0 for the CPU
 * @param name the maker's name, such as {@code NVIDIA H100 80GB HBM3}
 * @param architecture {@code sm_90} for compute capability 9.0, or the processor's, {@code x86_64}
 * @param memoryBytes all memory of the device, whoever uses it
 * @param multiprocessors streaming multiprocessors, or the processors that this JVM may use
 * @param memoryGbPerSecond rated: twice the clock of the memory times the width of its bus; 0 where
 *     it is not known
 */
public record DeviceInfo(
    Kind kind,
    int ordinal,
    String name,
    String architecture,
    long memoryBytes,
    int multiprocessors,
    int memoryGbPerSecond) {

  /** The kinds of devices. */
  public enum Kind {
    /** The processor that runs this JVM. */
    CPU,
    /** A GPU behind the CUDA driver. */
    CUDA
  }

  /** Checks that nothing is absent. */
  public DeviceInfo {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(architecture, "architecture");
  }

  /** As messages name it: {@code cuda:0 (NVIDIA H100 80GB HBM3, sm_90)}. */
  public String label() {
    String id = kind == Kind.CPU ? "cpu" : "cuda:" + ordinal;
    return id + " (" + name + ", " + architecture + ")";
  }

  /**
   * What the bits of a sum depend on, because it chooses kernels and into how many parts they split
   * K: {@code sm_90 132 SM 4917 GB/s}; of a processor its architecture.
   */
  public String arithmetic() {
    return kind == Kind.CPU
        ? architecture
        : architecture + " " + multiprocessors + " SM " + memoryGbPerSecond + " GB/s";
  }
}
