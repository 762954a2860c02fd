package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/**
 * Work of the host on one block while a GPU computes the next one: at most one piece at a time. For
 * one thread.
 */
final class Beside implements AutoCloseable {
  private final Executor executor;
  private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);

  private Beside(Executor executor) {
    this.executor = executor;
  }

  /** Work that is done while the caller goes on. */
  static Beside caller() {
    return new Beside(Beside::startThread);
  }

  /** Work that is done when {@link #run} returns. */
  static Beside nobody() {
    return new Beside(Runnable::run);
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

  /** Begins something when what was begun before has ended; throws what went wrong there. */
  void run(Work work) throws IOException {
    await();
    last =
        CompletableFuture.runAsync(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            },
            executor);
    if (last.isDone()) {
      await();
    }
  }

  /** Waits for the end of what was begun; throws what went wrong. */
  void await() throws IOException {
    try {
      last.join();
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
    last.exceptionally(failure -> null).join();
  }
}
