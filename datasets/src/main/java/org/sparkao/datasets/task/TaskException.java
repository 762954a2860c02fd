package org.sparkao.datasets.task;

/** A task or its data cannot be used; the message says what, where and the way out. */
public final class TaskException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TaskException(String message) {
    super(message);
  }

  TaskException(String message, Throwable cause) {
    super(message, cause);
  }
}
