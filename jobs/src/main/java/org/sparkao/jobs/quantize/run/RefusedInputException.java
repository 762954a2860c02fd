package org.sparkao.jobs.quantize.run;

/** Input that only reading could find bad: the run ends, and nothing of its output stays. */
final class RefusedInputException extends RuntimeException {
  private static final long serialVersionUID = 1;

  RefusedInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
