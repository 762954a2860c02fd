package org.sparkao.jobs.cli;

/** The command line: parse, build the configuration, run, exit code. */
public final class Main {
  private Main() {}

  /** Entry point of the launcher and of {@code spark-submit}. */
  public static void main(String[] args) {
    System.exit(2);
  }
}
