package org.sparkao.jobs.job;

import org.sparkao.datasets.DatasetException;
import org.sparkao.datasets.task.TaskException;
import org.sparkao.quant.QuantException;

/** What ended a job. */
public final class Failures {
  private Failures() {}

  /** Whether input was refused, so that trying again would not help. */
  public static boolean isRefusal(Exception failure) {
    return failure instanceof QuantException
        || failure instanceof DatasetException
        || failure instanceof TaskException;
  }

  /** The messages of a failure and of its causes on one line, each once. */
  public static String text(Throwable failure) {
    StringBuilder text = new StringBuilder();
    String last = "";
    for (Throwable at = failure; at != null; at = at.getCause()) {
      String message = at.getMessage() == null ? at.getClass().getName() : at.getMessage();
      if (!last.contains(message)) {
        text.append(text.length() == 0 ? "" : ": ").append(message);
        last = message;
      }
    }
    return text.toString();
  }
}
