package org.sparkao.jobs.cli;

import java.util.List;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.quantize.QuantizeJob;

/** Every job, in the order of the help text. */
final class Jobs {
  private static final List<Job> ALL = List.of(new QuantizeJob());

  private Jobs() {}

  static List<Job> all() {
    return ALL;
  }
}
