package org.sparkao.jobs.job;

/** What the process tells scripts. */
public enum ExitCode {
  /** Done. */
  DONE(0),
  /** Failed while running; state is kept and the same command goes on from there. */
  FAILED(1),
  /** Bad usage or bad input; nothing was done. */
  REFUSED(2),
  /** Of a sweep: some cells failed, all others are done. */
  SOME_FAILED(3),
  /** Of a sweep: something is worse than it was; perhaps some cells failed too. */
  REGRESSION(4),
  /** Of a sweep: another driver is at it, and nothing was done. */
  BUSY(75),
  /** Of a sweep: everything was done before. */
  NOTHING_TO_DO(99);

  private final int code;

  ExitCode(int code) {
    this.code = code;
  }

  /** The number. */
  public int code() {
    return code;
  }
}
