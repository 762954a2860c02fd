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
 * A job that ran in this JVM, on two local threads.
 *
 * @param code how it ended
 * @param out what it printed
 */
public record JobRun(ExitCode code, String out) {

  private static final String CONF = "conf";

  /**
   * Runs a job with options given as key, value, key, value; the last one of a key counts, of
   * {@code conf} all.
   */
  public static JobRun of(Job job, String... options) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream printer = new PrintStream(out, true, StandardCharsets.UTF_8);
    ExitCode code =
        job.run(
            config(job, options),
            new Console(
                printer,
                new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
                Console.Terminal.PLAIN));
    return new JobRun(code, out.toString(StandardCharsets.UTF_8));
  }

  /** The configuration of a job. */
  public static Config config(Job job, String... options) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    values.put("master", List.of("local[2]"));
    values.put(CONF, List.of("spark.ui.enabled=false"));
    for (int i = 0; i < options.length; i += 2) {
      List<String> value = new ArrayList<>();
      if (options[i].equals(CONF)) {
        value.addAll(values.get(CONF));
      }
      value.add(options[i + 1]);
      values.put(options[i], value);
    }
    List<ConfigKey<?>> keys = new ArrayList<>(job.keys());
    keys.addAll(CommonKeys.all());
    return Config.resolve(keys, List.of(new ConfigLayer("test", values)));
  }

  /** The lines printed. */
  public List<String> lines() {
    return out.lines().toList();
  }
}
