package org.sparkao.jobs.quickstart;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.config.ConfigLayer;
import org.sparkao.jobs.describe.HtmlReport;
import org.sparkao.jobs.describe.RunDescription;
import org.sparkao.jobs.describe.RunTables;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.verify.VerifyJob;

/** The jobs for one scheme, with what a user would have typed. */
final class SchemeSteps {
  private final Config config;
  private final Console console;
  private final RunTables tables;
  private final Path checkpoint;
  private final Path output;

  /**
   * The steps that make {@code output}.
   *
   * @param config of the quickstart; tables and Spark's settings are passed on
   * @param tables where the runs are read from
   */
  SchemeSteps(Config config, Console console, RunTables tables, Path checkpoint, Path output) {
    this.config = config;
    this.console = console;
    this.tables = tables;
    this.checkpoint = checkpoint;
    this.output = output;
  }

  /**
   * What was made.
   *
   * @param scheme the scheme
   * @param run the run that made it, now or before
   * @param output the quantized checkpoint
   * @param page its report
   * @param verified what {@code verify} said
   * @param note a line for the user
   */
  record Outcome(
      String scheme, RunDescription run, Path output, Path page, ExitCode verified, String note) {}

  Outcome run(String scheme) throws Exception {
    long start = System.nanoTime();
    boolean there = runId().isPresent();
    Spoken quantize =
        speak(
            new QuantizeJob(),
            Map.of(
                "checkpoint",
                checkpoint.toString(),
                "output",
                output.toString(),
                "scheme",
                scheme));
    if (quantize.code() != ExitCode.DONE) {
      throw new IllegalStateException("quantize: " + quantize.text());
    }
    String run = runId().orElseThrow(() -> new IllegalStateException(output + " has no run"));
    Spoken verify = speak(new VerifyJob(), Map.of("checkpoint", output.toString()));
    if (verify.code() != ExitCode.DONE) {
      console.out().print(verify.text());
    }
    Path page = output.resolveSibling(output.getFileName() + ".html");
    RunDescription description = tables.describe(run);
    Files.writeString(page, HtmlReport.render(description));
    double seconds = (System.nanoTime() - start) / 1e9;
    String note =
        there
            ? "was there already, by run " + run + "; verified and described again"
            : String.format(Locale.ROOT, "quantized, verified and described in %.1f s", seconds);
    return new Outcome(scheme, description, output, page, verify.code(), note);
  }

  private Optional<String> runId() throws IOException {
    return Provenance.runId(
        Storage.ofAssignments(config.all(CommonKeys.CONF)).folder(output.toString()));
  }

  /**
   * What a job printed and how it ended.
   *
   * @param code its exit code
   * @param text what it printed
   */
  private record Spoken(ExitCode code, String text) {}

  private Spoken speak(Job job, Map<String, String> options) throws Exception {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(text, true, StandardCharsets.UTF_8);
    ExitCode code =
        job.run(settings(job, options), new Console(out, console.err(), console.terminal()));
    return new Spoken(code, text.toString(StandardCharsets.UTF_8));
  }

  private Config settings(Job job, Map<String, String> options) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    options.forEach((key, value) -> values.put(key, List.of(value)));
    values.put(CommonKeys.TABLES.name(), List.of(config.value(CommonKeys.TABLES)));
    config
        .find(CommonKeys.MASTER)
        .ifPresent(master -> values.put(CommonKeys.MASTER.name(), List.of(master)));
    values.put(CommonKeys.CONF.name(), config.all(CommonKeys.CONF));
    List<ConfigKey<?>> keys = new ArrayList<>(job.keys());
    keys.addAll(CommonKeys.all());
    return Config.resolve(keys, List.of(new ConfigLayer("quickstart", values)))
        .from(config.arguments());
  }
}
