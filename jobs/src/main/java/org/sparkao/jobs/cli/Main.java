package org.sparkao.jobs.cli;

import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;

/** The entry point: {@code sparkao JOB [options]}. */
public final class Main {
  private Main() {}

  /** Runs one job and ends the process with its {@link ExitCode}. */
  public static void main(String[] args) {
    ExitCode code = new CommandRunner(Jobs.all(), Console.ofProcess()).run(args);
    System.exit(code.code());
  }
}
