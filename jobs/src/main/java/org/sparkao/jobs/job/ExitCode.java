package org.sparkao.jobs.job;

/** What the process tells scripts. */
public enum ExitCode {
  /** Done, or nothing to do. */
  DONE(0),
  /** Failed while running; state is kept and the same command goes on from there. */
  FAILED(1),
  /** Bad usage or bad input; nothing was done. */
  REFUSED(2);

  private final int code;

  ExitCode(int code) {
    this.code = code;
  }

  /** The number. */
  public int code() {
    return code;
  }
}
