package org.sparkao.jobs.job;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Where a job talks to its user.
 *
 * @param out results
 * @param err progress, and what went wrong
 * @param terminal what {@code err} is
 */
public record Console(PrintStream out, PrintStream err, Terminal terminal) {
  private static final String TOLD = "sparkao.terminal";
  private static final Path STANDARD_ERROR = Path.of("/proc/self/fd/2");

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
    return new Console(System.out, System.err, terminal(System.getProperty(TOLD), STANDARD_ERROR));
  }

  /**
   * What standard error is. Java knows only of standard input and output together; the launcher
   * asks the shell, and a driver that something else started asks Linux.
   *
   * @param told by the launcher; null when it was not there
   * @param link names what standard error is
   */
  static Terminal terminal(String told, Path link) {
    boolean interactive;
    if (told != null) {
      interactive = Boolean.parseBoolean(told);
    } else {
      try {
        interactive = Files.readSymbolicLink(link).toString().matches("/dev/(pts/\\d+|tty.*)");
      } catch (IOException | UnsupportedOperationException e) {
        interactive = false;
      }
    }
    return interactive ? Terminal.INTERACTIVE : Terminal.PLAIN;
  }
}
