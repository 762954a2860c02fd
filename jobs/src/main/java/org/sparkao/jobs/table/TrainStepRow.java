package org.sparkao.jobs.table;

import static io.delta.kernel.types.DoubleType.DOUBLE;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;

import java.util.Arrays;
import java.util.List;

/**
 * One step of a training.
 *
 * @param runId name of the run
 * @param device what computed, and in which numbers
 * @param block that was trained; -1 for the whole model
 * @param step from 1
 * @param loss mean over tokens, before the step
 * @param learningRate of the step
 * @param gradientNorm of all gradients, before clipping
 * @param tokens of the step
 * @param seconds that it took
 * @param scales learned scales after it: least, quartiles, largest; empty when they were not looked
 *     at
 */
public record TrainStepRow(
    String runId,
    String device,
    long block,
    long step,
    double loss,
    double learningRate,
    double gradientNorm,
    long tokens,
    double seconds,
    List<Double> scales) {
  private static final List<String> QUANTILES =
      List.of("scale_min", "scale_p25", "scale_p50", "scale_p75", "scale_max");

  /** Columns of {@code train_steps}. */
  public static final Table TABLE =
      new Table(
          "train_steps",
          "one step of one training",
          List.of(
              new Column("run_id", STRING, "name of the run"),
              new Column("device", STRING, "what computed, and in which numbers: cuda, bf16"),
              new Column("block", LONG, "block that was trained; -1 for the whole model"),
              new Column("step", LONG, "number of the step, from 1"),
              new Column(
                  "loss",
                  DOUBLE,
                  "before the step, nats a token; of a block the squared error of an output by its squares"),
              new Column("learning_rate", DOUBLE, "of the step"),
              new Column("gradient_norm", DOUBLE, "of all gradients, before clipping"),
              new Column("tokens", LONG, "tokens of the step"),
              new Column("seconds", DOUBLE, "time of the step"),
              new Column(
                  QUANTILES.get(0),
                  DOUBLE,
                  "least learned scale after the step; null where scales are computed or no state"
                      + " was kept"),
              new Column(QUANTILES.get(1), DOUBLE, "a quarter of the learned scales is below"),
              new Column(QUANTILES.get(2), DOUBLE, "half of them"),
              new Column(QUANTILES.get(3), DOUBLE, "three quarters of them"),
              new Column(QUANTILES.get(4), DOUBLE, "largest of them")));

  /** Freezes the list. */
  public TrainStepRow {
    scales = List.copyOf(scales);
  }

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow() {
    return Arrays.asList(
        runId,
        device,
        block,
        step,
        loss,
        learningRate,
        gradientNorm,
        tokens,
        seconds,
        quantile(0),
        quantile(1),
        quantile(2),
        quantile(3),
        quantile(4));
  }

  private Double quantile(int index) {
    return scales.isEmpty() ? null : scales.get(index);
  }

  /** A row that was read. */
  public static TrainStepRow of(TableRow row) {
    return new TrainStepRow(
        row.text("run_id"),
        row.findText("device").orElse("not stored"),
        row.number("block"),
        row.number("step"),
        row.decimal("loss"),
        row.decimal("learning_rate"),
        row.decimal("gradient_norm"),
        row.number("tokens"),
        row.decimal("seconds"),
        row.has(QUANTILES.get(0)) ? QUANTILES.stream().map(row::decimal).toList() : List.of());
  }
}
