package org.sparkao.datasets.tokenizer;

import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/** Keeps native memory alive while a call uses it: closing waits, later calls are refused. */
final class OpenState {
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final Object name;
  private boolean closed;

  OpenState(Object name) {
    this.name = name;
  }

  <T> T whileOpen(Supplier<T> call) {
    lock.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException("the tokenizer of " + name + " is closed");
      }
      return call.get();
    } finally {
      lock.readLock().unlock();
    }
  }

  void close(Runnable free) {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        free.run();
      }
    } finally {
      lock.writeLock().unlock();
    }
  }
}
