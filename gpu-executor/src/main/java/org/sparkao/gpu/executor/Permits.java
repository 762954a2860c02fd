package org.sparkao.gpu.executor;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/** So many tasks at a time, first come first served. */
public final class Permits {
  private final int count;
  private final Semaphore semaphore;
  private final Set<Thread> holders = ConcurrentHashMap.newKeySet();
  private final LongAdder waitedNanos = new LongAdder();

  /** For a number of tasks. */
  public Permits(int count) {
    if (count < 1) {
      throw new IllegalArgumentException(count + " permits");
    }
    this.count = count;
    this.semaphore = new Semaphore(count, true);
  }

  /**
   * Waits for a permit. The calling thread closes it, and has one at most.
   *
   * @throws GpuException when the thread is interrupted; it stays interrupted
   */
  public Permit acquire() {
    Thread thread = Thread.currentThread();
    if (holders.contains(thread)) {
      throw new GpuException(GpuErrors.secondPermit(thread.getName()));
    }
    long begin = System.nanoTime();
    try {
      semaphore.acquire();
    } catch (InterruptedException e) {
      thread.interrupt();
      throw new GpuException(GpuErrors.interrupted("a permit of the GPU"), e);
    } finally {
      waitedNanos.add(System.nanoTime() - begin);
    }
    holders.add(thread);
    return new Permit(thread);
  }

  /** How many there are. */
  public int count() {
    return count;
  }

  /** How many are free now. */
  public int free() {
    return semaphore.availablePermits();
  }

  /** How long threads have waited, all together. */
  public long waitedNanos() {
    return waitedNanos.sum();
  }

  /** The right to use the GPU, until closed. */
  public final class Permit implements AutoCloseable {
    private final Thread holder;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Permit(Thread holder) {
      this.holder = holder;
    }

    /** Lets the next one in. Closing twice does nothing. */
    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        holders.remove(holder);
        semaphore.release();
      }
    }
  }
}
