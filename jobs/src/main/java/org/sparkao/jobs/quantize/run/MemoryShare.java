package org.sparkao.jobs.quantize.run;

import java.io.InterruptedIOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.sparkao.gpu.executor.GpuExecutor;

/**
 * The part of a heap, or of the memory of a GPU, that tasks of one JVM take turns at: those whose
 * needs do not fit beside each other wait, first come, first served.
 */
final class MemoryShare {
  /** What tasks hold besides: slices, Spark. */
  private static final double PART = 0.7;

  /** That of this JVM. Spark gives no way from a task to its neighbours: hence static. */
  private static final MemoryShare OF_HEAP = new MemoryShare(Runtime.getRuntime().maxMemory());

  private static final Map<GpuExecutor, MemoryShare> OF_GPUS = new ConcurrentHashMap<>();

  private static final int UNIT_BITS = 20;

  private final int units;
  private final Semaphore free;

  MemoryShare(long allBytes) {
    this.units = (int) Math.min(Integer.MAX_VALUE, (long) (PART * allBytes) >> UNIT_BITS);
    this.free = new Semaphore(units, true);
  }

  static MemoryShare ofHeap() {
    return OF_HEAP;
  }

  static MemoryShare of(GpuExecutor gpu) {
    return OF_GPUS.computeIfAbsent(gpu, one -> new MemoryShare(one.device().budget().bytes()));
  }

  /** The most that one task can take. */
  long bytes() {
    return (long) units << UNIT_BITS;
  }

  /**
   * Waits until so much is free; closing gives it back.
   *
   * @param bytes at most {@link #bytes()}
   */
  Taken take(long bytes) throws InterruptedIOException {
    int wanted = Math.toIntExact(-(-bytes >> UNIT_BITS));
    if (wanted == 0) {
      return () -> {};
    }
    try {
      free.acquire(wanted);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(
          "interrupted while waiting for " + bytes + " bytes of memory");
    }
    return () -> free.release(wanted);
  }

  /** What a task took. */
  interface Taken extends AutoCloseable {
    @Override
    void close();
  }
}
