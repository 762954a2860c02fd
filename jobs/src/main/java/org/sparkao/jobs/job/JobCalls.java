package org.sparkao.jobs.job;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.config.ConfigLayer;

/**
 * Runs other jobs with what a user would have typed.
 *
 * @param config of the job that calls; tables and Spark's settings are passed on
 * @param console where their progress goes
 */
public record JobCalls(Config config, Console console) {

  /**
   * What a job printed and how it ended.
   *
   * @param code its exit code
   * @param text what it printed
   */
  public record Spoken(ExitCode code, String text) {}

  /** Runs a job; {@code options} are its own, the common ones are the caller's. */
  public Spoken speak(Job job, Map<String, List<String>> options) throws Exception {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(text, true, StandardCharsets.UTF_8);
    ExitCode code =
        job.run(settings(job, options), new Console(out, console.err(), console.terminal()));
    return new Spoken(code, text.toString(StandardCharsets.UTF_8));
  }

  /** Runs a job that has to succeed. */
  public void demand(Job job, Map<String, List<String>> options) throws Exception {
    Spoken spoken = speak(job, options);
    if (spoken.code() != ExitCode.DONE) {
      throw new IllegalStateException(job.name() + ": " + spoken.text());
    }
  }

  /**
   * The configuration of a job.
   *
   * @throws org.sparkao.quant.QuantException for a key that the job does not have, and a value that
   *     does not parse
   */
  public Config settings(Job job, Map<String, List<String>> options) {
    Map<String, List<String>> values = new LinkedHashMap<>(options);
    values.put(CommonKeys.TABLES.name(), List.of(config.value(CommonKeys.TABLES)));
    config
        .find(CommonKeys.MASTER)
        .ifPresent(master -> values.put(CommonKeys.MASTER.name(), List.of(master)));
    values.put(CommonKeys.CONF.name(), config.all(CommonKeys.CONF));
    List<ConfigKey<?>> keys = new ArrayList<>(job.keys());
    keys.addAll(CommonKeys.all());
    return Config.resolve(keys, List.of(new ConfigLayer("options of " + job.name(), values)))
        .from(config.arguments());
  }
}
