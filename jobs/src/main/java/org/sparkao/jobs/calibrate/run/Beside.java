package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/**
 * Work of the host on some blocks while a GPU computes the next one, a thread for each. For one
 * caller.
 */
final class Beside implements AutoCloseable {
  private final Executor executor;
  private final int most;
  private final Deque<CompletableFuture<Void>> begun = new ArrayDeque<>();

  private Beside(Executor executor, int most) {
    this.executor = executor;
    this.most = most;
  }

  /** Work that is done while the caller goes on, at most so many pieces at a time. */
  static Beside caller(int most) {
    return new Beside(Beside::startThread, most);
  }

  /** Work that is done when {@link #run} returns. */
  static Beside nobody() {
    return new Beside(Runnable::run, 0);
  }

  private static void startThread(Runnable work) {
    Thread thread = new Thread(work, "calibrate-sums");
    thread.setDaemon(true);
    thread.start();
  }

  /** What is done. */
  @FunctionalInterface
  interface Work {
    /** All of it. */
    void run() throws IOException;
  }

  /**
   * Begins something when fewer pieces than may be are under way; throws what went wrong in one
   * that it waited for, and does not begin then.
   */
  void run(Work work) throws IOException {
    if (begun.size() >= Math.max(1, most)) {
      await(begun.element());
      begun.remove();
    }
    begun.add(
        CompletableFuture.runAsync(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            },
            executor));
    if (most == 0) {
      await();
    }
  }

  /** Waits for the end of what was begun; throws what went wrong first. */
  void await() throws IOException {
    while (!begun.isEmpty()) {
      await(begun.element());
      begun.remove();
    }
  }

  private static void await(CompletableFuture<Void> piece) throws IOException {
    try {
      piece.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof UncheckedIOException failure) {
        throw failure.getCause();
      }
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      if (e.getCause() instanceof Error failure) {
        throw failure;
      }
      throw e;
    }
  }

  /** Waits, whatever becomes of it. */
  @Override
  public void close() {
    begun.forEach(piece -> piece.exceptionally(failure -> null).join());
  }
}
