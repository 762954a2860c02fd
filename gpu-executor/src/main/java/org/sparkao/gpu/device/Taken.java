package org.sparkao.gpu.device;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/**
 * What has been taken for something that is being made: closed, the last first, unless that was
 * made and keeps it. For one thread.
 */
public final class Taken implements AutoCloseable {
  private final Deque<Runnable> closing = new ArrayDeque<>();

  /** Adds one thing, and gives it back. */
  public <T> T add(T one, Consumer<? super T> close) {
    closing.push(() -> close.accept(one));
    return one;
  }

  /** Leaves everything to its new owner. */
  public <T> T keptBy(T owner) {
    closing.clear();
    return owner;
  }

  @Override
  public void close() {
    closing.forEach(Runnable::run);
    closing.clear();
  }
}
