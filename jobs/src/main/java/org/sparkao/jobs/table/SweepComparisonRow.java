package org.sparkao.jobs.table;

import static io.delta.kernel.types.DoubleType.DOUBLE;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/**
 * A cell of a sweep against another one, over the items that both have.
 *
 * @param runId name of the sweep's run that compared them
 * @param sweep name of the sweep
 * @param key of the cell
 * @param place of the cell
 * @param metric that was compared
 * @param against what the other one is
 * @param runs of evaluate
 * @param paired what the items say
 * @param verdict what follows
 * @param comparedAt when
 */
public record SweepComparisonRow(
    String runId,
    String sweep,
    String key,
    SweepCellRow.Place place,
    String metric,
    String against,
    Runs runs,
    Paired paired,
    Verdict verdict,
    Instant comparedAt) {
  /** {@link #against} of a baseline of the same sweep. */
  public static final String BASELINE = "baseline";

  /** {@link #against} of the same place's last run that was good. */
  public static final String LAST_GOOD = "last-good";

  /** The runs of evaluate: of the other cell, and of this one. */
  public record Runs(String reference, String evaluate) {}

  /**
   * The paired items.
   *
   * @param pairs how many
   * @param reference the metric of the other cell
   * @param value the metric of this cell
   * @param low end of the 95 % interval of value - reference
   * @param high the other end
   */
  public record Paired(long pairs, double reference, double value, double low, double high) {}

  /**
   * Whether it is chance.
   *
   * @param probability two-sided, of a difference at least this large by chance
   * @param adjusted the same for all comparisons of this kind that the run made (Holm 1979)
   * @param test that gives it
   * @param significance below which a worse value is a regression
   * @param regressed 1 for a worse value whose adjusted probability is below it; 0 for a baseline
   */
  public record Verdict(
      double probability, double adjusted, String test, double significance, long regressed) {}

  /** Columns of {@code sweep_comparisons}. */
  public static final Table TABLE =
      new Table(
          "sweep_comparisons",
          "one cell of a sweep against a baseline, or against the last good run of its place",
          List.of(
              new Column("run_id", STRING, "name of the sweep's run that compared them"),
              new Column("sweep", STRING, "name of the sweep"),
              new Column("cell_key", STRING, "key of the cell"),
              new Column("model", STRING, "name of the model in the sweep's file"),
              new Column("scheme", STRING, "name of the scheme there"),
              new Column("algorithm", STRING, "name of the algorithm there"),
              new Column("task", STRING, "name of the task there"),
              new Column("metric", STRING, "metric that was compared"),
              new Column("against", STRING, "baseline, or last-good"),
              new Column("reference_run", STRING, "run of evaluate of the other cell"),
              new Column("evaluate_run", STRING, "run of evaluate of this cell"),
              new Column("pairs", LONG, "items that both have"),
              new Column("reference_value", DOUBLE, "metric of the other cell over the pairs"),
              new Column("value", DOUBLE, "metric of this cell over the pairs"),
              new Column("low", DOUBLE, "end of the 95 % interval of value - reference_value"),
              new Column("high", DOUBLE, "the other end"),
              new Column(
                  "probability", DOUBLE, "two-sided, of a difference this large by chance alone"),
              new Column(
                  "adjusted",
                  DOUBLE,
                  "the same for all comparisons of this kind that the run made (Holm)"),
              new Column("test", STRING, "test that gives it"),
              new Column(
                  "significance", DOUBLE, "adjusted probability of a regression: below this"),
              new Column("regressed", LONG, "1: worse than the last good run; else 0"),
              new Column("compared_at", TIMESTAMP, "when")));

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow() {
    return Arrays.asList(
        runId,
        sweep,
        key,
        place.model(),
        place.scheme(),
        place.algorithm(),
        place.task(),
        metric,
        against,
        runs.reference(),
        runs.evaluate(),
        paired.pairs(),
        paired.reference(),
        paired.value(),
        paired.low(),
        paired.high(),
        verdict.probability(),
        verdict.adjusted(),
        verdict.test(),
        verdict.significance(),
        verdict.regressed(),
        comparedAt);
  }

  /** A row that was read. */
  public static SweepComparisonRow of(TableRow row) {
    return new SweepComparisonRow(
        row.text("run_id"),
        row.text("sweep"),
        row.text("cell_key"),
        new SweepCellRow.Place(
            row.text("model"), row.text("scheme"), row.text("algorithm"), row.text("task")),
        row.text("metric"),
        row.text("against"),
        new Runs(row.text("reference_run"), row.text("evaluate_run")),
        new Paired(
            row.number("pairs"),
            row.decimal("reference_value"),
            row.decimal("value"),
            row.decimal("low"),
            row.decimal("high")),
        new Verdict(
            row.decimal("probability"),
            row.decimal("adjusted"),
            row.text("test"),
            row.decimal("significance"),
            row.number("regressed")),
        row.instant("compared_at"));
  }
}
