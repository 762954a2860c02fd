package org.sparkao.quant;

/**
 * Input that cannot be used, or a request that cannot be met. The message names the file, the
 * tensor, the value and a way out, and is shown to the user as it is.
 */
public final class QuantException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The whole message for the user. */
  public QuantException(String message) {
    super(message);
  }

  /** The whole message for the user, and what it came from. */
  public QuantException(String message, Throwable cause) {
    super(message, cause);
  }
}
