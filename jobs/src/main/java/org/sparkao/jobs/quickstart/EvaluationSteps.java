package org.sparkao.jobs.quickstart;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.compare.CompareJob;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.describe.DescribeJob;
import org.sparkao.jobs.evaluate.EvaluateJob;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalResultRow;

/** Evaluates checkpoints on the task that comes with the sample. */
final class EvaluationSteps {
  private static final String TASK = "sample";
  private static final String METRIC = "acc";

  /** Of 1,000; more would take longer than all the rest. */
  private static final String ITEMS = "250";

  private final JobCalls jobs;

  EvaluationSteps(JobCalls jobs) {
    this.jobs = jobs;
  }

  /**
   * What was measured.
   *
   * @param run the run of evaluate
   * @param accuracy share of right answers
   */
  record Outcome(String run, EvalResultRow accuracy) {

    /** In percent, with its standard error. */
    String text() {
      return Texts.decimals(100 * accuracy.value(), 1)
          + " \u00b1 "
          + Texts.decimals(100 * accuracy.spread().standardError().orElseThrow(), 1)
          + " %";
    }
  }

  /** Evaluates on the processor, whose figures are everybody's. Stored items are not repeated. */
  Outcome evaluate(Path checkpoint) throws Exception {
    String run = RunNames.next("evaluate");
    jobs.demand(
        new EvaluateJob(),
        Map.of(
            "checkpoint",
            List.of(checkpoint.toString()),
            "tasks",
            List.of(TASK),
            "data",
            List.of(checkpoint.toString()),
            "limit",
            List.of(ITEMS),
            "device",
            List.of("cpu"),
            CommonKeys.RUN_ID.name(),
            List.of(run)));
    return new Outcome(run, accuracy(run));
  }

  /** Writes the page of a run. */
  void describe(Outcome outcome, Path page) throws Exception {
    jobs.demand(
        new DescribeJob(), Map.of("run", List.of(outcome.run()), "html", List.of(page.toString())));
  }

  /** Writes the page of a run against that of the unquantized sample. */
  void compare(Outcome before, Outcome after, Path page) throws Exception {
    jobs.demand(
        new CompareJob(),
        Map.of("run", List.of(before.run(), after.run()), "html", List.of(page.toString())));
  }

  private EvalResultRow accuracy(String run) throws IOException {
    return new DeltaStore(
            Storage.ofAssignments(jobs.config().all(CommonKeys.CONF)),
            jobs.config().value(CommonKeys.TABLES))
        .read(EvalResultRow.TABLE, run).stream()
            .map(EvalResultRow::of)
            .filter(row -> row.metric().equals(METRIC))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("run " + run + " has no " + METRIC));
  }
}
