package org.sparkao.gpu.model.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/** A fixed number of threads, the caller's among them, that share pieces of work. */
public final class Cores implements AutoCloseable {
  private static final int ROWS = 16;

  private final int count;
  private final ExecutorService others;

  /** Runs on {@code count} threads: the caller and {@code count - 1} more. */
  public Cores(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("threads: " + count);
    }
    this.count = count;
    this.others =
        Executors.newFixedThreadPool(
            Math.max(1, count - 1),
            work -> {
              Thread thread = new Thread(work, "sparkao-model");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** A piece of work. */
  public interface Piece {
    /**
     * Does it.
     *
     * @param worker below {@link #count()}; no two pieces have the same at the same time
     * @param index of the piece
     */
    void run(int worker, int index);
  }

  /** Threads. */
  public int count() {
    return count;
  }

  /** Runs pieces 0 .. pieces - 1, in any order, and returns when all are done. */
  public void run(int pieces, Piece piece) {
    int helpers = Math.min(count, pieces) - 1;
    AtomicInteger next = new AtomicInteger();
    List<Future<?>> running = new ArrayList<>(Math.max(0, helpers));
    for (int worker = 1; worker <= helpers; worker++) {
      int number = worker;
      running.add(others.submit(() -> work(number, pieces, next, piece)));
    }
    try {
      work(0, pieces, next, piece);
    } finally {
      next.set(pieces);
      running.forEach(Cores::await);
    }
  }

  /** Runs something for every row, a few rows a piece. */
  public void rows(int rows, IntConsumer one) {
    run(
        (rows + ROWS - 1) / ROWS,
        (worker, piece) -> {
          for (int row = piece * ROWS; row < Math.min(rows, (piece + 1) * ROWS); row++) {
            one.accept(row);
          }
        });
  }

  private static void work(int worker, int pieces, AtomicInteger next, Piece piece) {
    for (int i = next.getAndIncrement(); i < pieces; i = next.getAndIncrement()) {
      piece.run(worker, i);
    }
  }

  private static void await(Future<?> future) {
    try {
      future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GpuException(GpuErrors.interrupted("the cores of a model"), e);
    }
  }

  @Override
  public void close() {
    others.shutdown();
  }
}
