package org.sparkao.jobs.table;

import static io.delta.kernel.types.DoubleType.DOUBLE;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * One metric of one task over all items of a run.
 *
 * @param runId name of the run
 * @param task name
 * @param taskVersion of the task's definition
 * @param metric name, as in lm-evaluation-harness
 * @param value of all items
 * @param spread how sure it is
 * @param items how many there are
 * @param measuredAt when
 */
public record EvalResultRow(
    String runId,
    String task,
    String taskVersion,
    String metric,
    double value,
    Spread spread,
    long items,
    Instant measuredAt) {

  /**
   * The standard error.
   *
   * @param standardError empty for a single item
   * @param bootstrapSeed of the resamples; empty where a formula gives it
   */
  public record Spread(OptionalDouble standardError, OptionalLong bootstrapSeed) {}

  /** Whether a metric is a share of items, 0 to 1, by which each of them is right or wrong. */
  public static boolean isShare(String metric) {
    return metric.startsWith("acc") || metric.startsWith("exact_match");
  }

  /** Columns of {@code eval_results}. */
  public static final Table TABLE =
      new Table(
          "eval_results",
          "one metric of one task over all items of a run",
          List.of(
              new Column("run_id", STRING, "name of the run"),
              new Column("task", STRING, "task"),
              new Column("task_version", STRING, "version of its definition"),
              new Column("metric", STRING, "metric, by the name of lm-evaluation-harness"),
              new Column("value", DOUBLE, "over all items"),
              new Column("standard_error", DOUBLE, "of the value; null for a single item"),
              new Column("items", LONG, "items"),
              new Column(
                  "bootstrap_seed",
                  LONG,
                  "of the resamples behind standard_error; null where it is the sample deviation"
                      + " over the root of the items"),
              new Column("measured_at", TIMESTAMP, "when it was put together"),
              new Column("step", LONG, "commit of the run that brought the row")));

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow(long step) {
    return Arrays.asList(
        runId,
        task,
        taskVersion,
        metric,
        value,
        spread.standardError().isPresent() ? (Double) spread.standardError().getAsDouble() : null,
        items,
        spread.bootstrapSeed().isPresent() ? (Long) spread.bootstrapSeed().getAsLong() : null,
        measuredAt,
        step);
  }

  /** A row that was read. */
  public static EvalResultRow of(TableRow row) {
    return new EvalResultRow(
        row.text("run_id"),
        row.text("task"),
        row.text("task_version"),
        row.text("metric"),
        row.decimal("value"),
        new Spread(
            row.has("standard_error")
                ? OptionalDouble.of(row.decimal("standard_error"))
                : OptionalDouble.empty(),
            row.findNumber("bootstrap_seed").map(OptionalLong::of).orElse(OptionalLong.empty())),
        row.number("items"),
        row.instant("measured_at"));
  }
}
