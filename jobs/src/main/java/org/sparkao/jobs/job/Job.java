package org.sparkao.jobs.job;

import java.util.List;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;

/** One verb of the command line. */
public interface Job {

  /** The verb. */
  String name();

  /** One line for the list of jobs. */
  String summary();

  /** What it understands beside {@link org.sparkao.jobs.config.CommonKeys}. */
  List<ConfigKey<?>> keys();

  /**
   * Runs to the end. Whoever is at fault decides the exception: {@link
   * org.sparkao.quant.QuantException} (or those of data sets and tasks) for refused input, anything
   * else for a run that failed.
   *
   * @param config this job's keys and the common ones
   */
  ExitCode run(Config config, Console console) throws Exception;
}
