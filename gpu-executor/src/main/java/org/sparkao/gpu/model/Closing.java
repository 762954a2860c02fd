package org.sparkao.gpu.model;

import java.util.Deque;

/** Closes what was opened, the last first. */
public final class Closing {
  private Closing() {}

  /** Closes and removes all; a failure does not keep the others from being closed. */
  public static void all(Deque<AutoCloseable> opened) {
    RuntimeException failure = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        RuntimeException one =
            e instanceof RuntimeException known ? known : new IllegalStateException(e);
        if (failure == null) {
          failure = one;
        } else {
          failure.addSuppressed(one);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
