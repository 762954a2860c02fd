package org.sparkao.jobs.spark;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** Threads beside a stage. The first failure of one is thrown when they are ended. */
public final class Background implements AutoCloseable {
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private final List<Thread> threads = new ArrayList<>();

  /** Work that goes on until the latch opens. */
  @FunctionalInterface
  public interface Work {
    /** Returns soon after the latch has opened. */
    void run(CountDownLatch end) throws IOException, InterruptedException;
  }

  /** Starts a thread; {@code onFailure} is told at once when it fails. */
  public void start(String name, Work work, Consumer<String> onFailure) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run(end);
              } catch (IOException | InterruptedException | RuntimeException e) {
                failure.compareAndSet(null, e);
                onFailure.accept(name + " failed: " + e.getMessage());
              }
            },
            name);
    thread.setDaemon(true);
    threads.add(thread);
    thread.start();
  }

  /** Ends the threads and waits for them. */
  public void end() throws IOException {
    end.countDown();
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for " + threads, e);
    }
  }

  @Override
  public void close() throws IOException {
    end();
    Exception first = failure.get();
    if (first != null) {
      throw new IOException(first.getMessage(), first);
    }
  }
}
