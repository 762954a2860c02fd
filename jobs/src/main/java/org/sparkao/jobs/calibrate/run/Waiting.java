package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.spark.TaskContext;
import org.sparkao.jobs.storage.WorkFolder;

/**
 * How a task waits for what others leave in the work folder: without its turn at the device, so
 * that a neighbour may do it. When nothing appears there for long, it gives up, so that its slot
 * serves a task that waits for one.
 */
final class Waiting {
  private static final Duration PATIENCE = Duration.ofMinutes(30);
  private static final long PAUSE_MILLIS = 50;

  private final TaskContext context;
  private final ReentrantLock turn;
  private final BlockFiles files;

  /** {@code turn} is held by the caller. */
  Waiting(TaskContext context, ReentrantLock turn, BlockFiles files) {
    this.context = context;
    this.turn = turn;
    this.files = files;
  }

  /** Something that is there, or not yet. */
  @FunctionalInterface
  interface Asked<T> {
    /** Looks. */
    Optional<T> now() throws IOException;
  }

  /** Fails when Spark does not want this attempt any more. */
  void killIfInterrupted() {
    context.killTaskIfInterrupted();
  }

  /** Waits until it is there. */
  <T> T until(Asked<T> asked) throws IOException {
    Optional<T> found = asked.now();
    if (found.isPresent()) {
      return found.get();
    }
    turn.unlock();
    try {
      return poll(asked);
    } finally {
      turn.lock();
    }
  }

  private <T> T poll(Asked<T> asked) throws IOException {
    List<String> seen = files.work();
    long since = System.nanoTime();
    while (true) {
      context.killTaskIfInterrupted();
      Optional<T> found = asked.now();
      if (found.isPresent()) {
        return found.get();
      }
      List<String> work = files.work();
      if (!work.equals(seen)) {
        seen = work;
        since = System.nanoTime();
      } else if (System.nanoTime() - since > PATIENCE.toNanos()) {
        throw new IOException(
            "no other task has left anything in "
                + WorkFolder.NAME
                + " for "
                + PATIENCE.toMinutes()
                + " minutes; tasks of --sequential need a slot each at the same time");
      }
      pause();
    }
  }

  private static void pause() throws InterruptedIOException {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for other tasks");
    }
  }
}
