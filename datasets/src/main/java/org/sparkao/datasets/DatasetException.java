package org.sparkao.datasets;

/**
 * Input that cannot be used. The message names the file, the values and a way out, and is shown to
 * the user as it is.
 */
public final class DatasetException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The whole message for the user. */
  public DatasetException(String message) {
    super(message);
  }

  /** The whole message for the user, and what it came from. */
  public DatasetException(String message, Throwable cause) {
    super(message, cause);
  }
}
