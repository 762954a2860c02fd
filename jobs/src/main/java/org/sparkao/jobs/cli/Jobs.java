package org.sparkao.jobs.cli;

import java.util.List;
import org.sparkao.jobs.job.Job;

/** Every job, in the order of the help text. */
final class Jobs {
  private static final List<Job> ALL = List.of();

  private Jobs() {}

  static List<Job> all() {
    return ALL;
  }
}
