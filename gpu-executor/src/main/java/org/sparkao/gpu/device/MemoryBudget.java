package org.sparkao.gpu.device;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How much memory of a device this JVM may use. Buffers count with the bytes asked for. Several
 * threads may use one budget.
 */
public final class MemoryBudget {
  private final long bytes;
  private final AtomicLong inUse = new AtomicLong();
  private final AtomicLong peak = new AtomicLong();

  private MemoryBudget(long bytes) {
    this.bytes = bytes;
  }

  /** At most so many bytes at a time. */
  public static MemoryBudget of(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("a memory budget of " + bytes + " bytes");
    }
    return new MemoryBudget(bytes);
  }

  /** All that the device has. */
  public static MemoryBudget unlimited() {
    return new MemoryBudget(Long.MAX_VALUE);
  }

  /** The limit. */
  public long bytes() {
    return bytes;
  }

  /** What buffers that are open hold. */
  public long inUse() {
    return inUse.get();
  }

  /** What is left below the limit. */
  public long free() {
    return bytes - inUse.get();
  }

  /** The most that was in use at a time. */
  public long peak() {
    return peak.get();
  }

  /** Takes bytes, or takes none and says false. */
  boolean reserve(long wanted) {
    while (true) {
      long before = inUse.get();
      if (wanted > bytes - before) {
        return false;
      }
      if (inUse.compareAndSet(before, before + wanted)) {
        peak.accumulateAndGet(before + wanted, Math::max);
        return true;
      }
    }
  }

  /** Gives back bytes that were reserved. */
  void release(long reserved) {
    inUse.addAndGet(-reserved);
  }
}
