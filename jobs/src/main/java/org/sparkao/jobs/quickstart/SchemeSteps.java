package org.sparkao.jobs.quickstart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.describe.HtmlReport;
import org.sparkao.jobs.describe.RunDescription;
import org.sparkao.jobs.describe.RunTables;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.verify.VerifyJob;

/** The jobs for one scheme, with what a user would have typed. */
final class SchemeSteps {
  private final JobCalls jobs;
  private final RunTables tables;
  private final Path checkpoint;
  private final Path output;

  /**
   * The steps that make {@code output}.
   *
   * @param tables where the runs are read from
   */
  SchemeSteps(JobCalls jobs, RunTables tables, Path checkpoint, Path output) {
    this.jobs = jobs;
    this.tables = tables;
    this.checkpoint = checkpoint;
    this.output = output;
  }

  /**
   * What was made.
   *
   * @param run the run that made it, now or before
   * @param output the quantized checkpoint
   * @param page its report
   * @param verified what {@code verify} said
   * @param evaluated how it answers
   * @param comparison the page of its answers against the unquantized sample's
   * @param note a line for the user
   */
  record Outcome(
      RunDescription run,
      Path output,
      Path page,
      ExitCode verified,
      EvaluationSteps.Outcome evaluated,
      Path comparison,
      String note) {

    /** The scheme, and what is special. */
    String name() {
      return output.getFileName().toString();
    }

    /** Adds what was written, and where. */
    void addTo(TextTable written) {
      written.row(name(), output.toString());
      written.row(name() + " report", page.toString());
      written.row(name() + " against the sample", comparison.toString());
    }
  }

  Outcome run(String scheme, EvaluationSteps.Outcome before) throws Exception {
    long start = System.nanoTime();
    boolean there = runId().isPresent();
    jobs.demand(
        new QuantizeJob(),
        Map.of(
            "checkpoint",
            List.of(checkpoint.toString()),
            "output",
            List.of(output.toString()),
            "scheme",
            List.of(scheme)));
    String run = runId().orElseThrow(() -> new IllegalStateException(output + " has no run"));
    JobCalls.Spoken verify =
        jobs.speak(new VerifyJob(), Map.of("checkpoint", List.of(output.toString())));
    if (verify.code() != ExitCode.DONE) {
      jobs.console().out().print(verify.text());
    }
    Path page = output.resolveSibling(output.getFileName() + ".html");
    RunDescription description = tables.describe(run);
    Files.writeString(page, HtmlReport.render(description));
    EvaluationSteps evaluation = new EvaluationSteps(jobs);
    EvaluationSteps.Outcome after = evaluation.evaluate(output);
    Path comparison = output.resolveSibling(output.getFileName() + "-compared.html");
    evaluation.compare(before, after, comparison);
    double seconds = (System.nanoTime() - start) / 1e9;
    String note =
        there
            ? "was there already, by run " + run + "; verified and described again"
            : String.format(
                Locale.ROOT, "quantized, verified, described and evaluated in %.1f s", seconds);
    return new Outcome(description, output, page, verify.code(), after, comparison, note);
  }

  private Optional<String> runId() throws IOException {
    return Provenance.runId(
        Storage.ofAssignments(jobs.config().all(CommonKeys.CONF)).folder(output.toString()));
  }
}
