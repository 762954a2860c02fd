package org.sparkao.jobs.job;

import java.io.PrintStream;
import java.util.Objects;

/**
 * Where a job talks to its user.
 *
 * @param out results
 * @param err progress, and what went wrong
 * @param terminal what {@code err} is
 */
public record Console(PrintStream out, PrintStream err, Terminal terminal) {

  /** Whether lines can be overwritten. */
  public enum Terminal {
    /** A person watches: one line, rewritten. */
    INTERACTIVE,
    /** A log: plain lines. */
    PLAIN
  }

  /** All parts are given. */
  public Console {
    Objects.requireNonNull(out, "out");
    Objects.requireNonNull(err, "err");
    Objects.requireNonNull(terminal, "terminal");
  }

  /** The console of this process. */
  public static Console ofProcess() {
    return new Console(
        System.out, System.err, System.console() == null ? Terminal.PLAIN : Terminal.INTERACTIVE);
  }
}
