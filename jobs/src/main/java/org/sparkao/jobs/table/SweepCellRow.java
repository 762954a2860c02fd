package org.sparkao.jobs.table;

import static io.delta.kernel.types.DoubleType.DOUBLE;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One cell of a sweep, as a run of it left it.
 *
 * @param runId name of the sweep's run
 * @param sweep name of the sweep
 * @param key SHA-256 of everything that decides the outcome
 * @param place where the cell stands in the sweep
 * @param source the checkpoint that the recipe is applied to
 * @param output the checkpoint that was evaluated
 * @param ending how it ended
 * @param measured what came out; empty unless it is done
 */
public record SweepCellRow(
    String runId,
    String sweep,
    String key,
    Place place,
    Source source,
    Output output,
    Ending ending,
    Optional<Measured> measured) {

  /** How a cell ended. */
  public enum Status {
    /** It has a value. */
    DONE,
    /** Something broke; it is tried again by the next run. */
    FAILED,
    /** Its input cannot be used. */
    REFUSED
  }

  /** The names of model, scheme, algorithm and task in the sweep's file. */
  public record Place(String model, String scheme, String algorithm, String task) {}

  /**
   * A checkpoint.
   *
   * @param location where it lies
   * @param fingerprint of headers, sizes and versions of its files
   * @param hash SHA-256 of its content
   */
  public record Source(String location, String fingerprint, String hash) {}

  /**
   * What was evaluated.
   *
   * @param location of the checkpoint
   * @param bytes of its tensors; empty when it was not made
   * @param calibration folder of the statistics; empty where none are needed
   */
  public record Output(String location, Optional<Long> bytes, Optional<String> calibration) {}

  /**
   * How it ended.
   *
   * @param status how
   * @param reason why it is not done
   * @param seconds that it took, the recipe not included
   * @param finishedAt when
   */
  public record Ending(
      Status status, Optional<String> reason, double seconds, Instant finishedAt) {}

  /**
   * The metric that counts.
   *
   * @param evaluateRun the run with all metrics and items
   * @param taskVersion of the task's definition
   * @param metric its name
   * @param value over all items
   * @param standardError of the value; empty for a single item
   * @param items how many there are
   * @param tokensPerSecond of one device, over the items' time of computation
   */
  public record Measured(
      String evaluateRun,
      String taskVersion,
      String metric,
      double value,
      OptionalDouble standardError,
      long items,
      double tokensPerSecond) {}

  /** Columns of {@code sweep_cells}. */
  public static final Table TABLE =
      new Table(
          "sweep_cells",
          "one cell of a sweep that a run of it computed, or failed to; the newest of a cell_key"
              + " counts",
          List.of(
              new Column("run_id", STRING, "name of the sweep's run"),
              new Column("sweep", STRING, "name of the sweep"),
              new Column(
                  "cell_key",
                  STRING,
                  "SHA-256 of checkpoint, recipe, calibration, items of the task, arithmetic and"
                      + " version of the program"),
              new Column("model", STRING, "name of the model in the sweep's file"),
              new Column("scheme", STRING, "name of the scheme there; none: not quantized"),
              new Column("algorithm", STRING, "name of the algorithm there; none: not quantized"),
              new Column("task", STRING, "name of the task there"),
              new Column("status", STRING, "done, failed or refused"),
              new Column("reason", STRING, "why it is not done"),
              new Column("checkpoint", STRING, "checkpoint that the recipe is applied to"),
              new Column(
                  "checkpoint_fingerprint", STRING, "of headers, sizes and versions of its files"),
              new Column("checkpoint_hash", STRING, "SHA-256 of its content"),
              new Column("output", STRING, "checkpoint that was evaluated"),
              new Column("output_bytes", LONG, "bytes of its tensors; null when it was not made"),
              new Column("calibration", STRING, "folder of the statistics; null without any"),
              new Column(
                  "evaluate_run", STRING, "run with all metrics and items; null if not done"),
              new Column("task_version", STRING, "version of the task's definition"),
              new Column("metric", STRING, "metric that counts"),
              new Column("value", DOUBLE, "of it over all items"),
              new Column("standard_error", DOUBLE, "of the value; null for a single item"),
              new Column("items", LONG, "items"),
              new Column(
                  "tokens_per_second",
                  DOUBLE,
                  "of one device, over the items' time of computation; cells that run at once share"
                      + " a processor"),
              new Column("seconds", DOUBLE, "time of the evaluation"),
              new Column("finished_at", TIMESTAMP, "when")));

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
        ending.status().name().toLowerCase(Locale.ROOT),
        ending.reason().orElse(null),
        source.location(),
        source.fingerprint(),
        source.hash(),
        output.location(),
        output.bytes().orElse(null),
        output.calibration().orElse(null),
        measured.map(Measured::evaluateRun).orElse(null),
        measured.map(Measured::taskVersion).orElse(null),
        measured.map(Measured::metric).orElse(null),
        measured.map(Measured::value).orElse(null),
        measured
            .map(Measured::standardError)
            .filter(OptionalDouble::isPresent)
            .map(OptionalDouble::getAsDouble)
            .orElse(null),
        measured.map(Measured::items).orElse(null),
        measured.map(Measured::tokensPerSecond).orElse(null),
        ending.seconds(),
        ending.finishedAt());
  }

  /** A row that was read. */
  public static SweepCellRow of(TableRow row) {
    return new SweepCellRow(
        row.text("run_id"),
        row.text("sweep"),
        row.text("cell_key"),
        new Place(row.text("model"), row.text("scheme"), row.text("algorithm"), row.text("task")),
        new Source(
            row.text("checkpoint"),
            row.text("checkpoint_fingerprint"),
            row.text("checkpoint_hash")),
        new Output(row.text("output"), row.findNumber("output_bytes"), row.findText("calibration")),
        new Ending(
            Status.valueOf(row.text("status").toUpperCase(Locale.ROOT)),
            row.findText("reason"),
            row.decimal("seconds"),
            row.instant("finished_at")),
        row.has("evaluate_run") ? Optional.of(measured(row)) : Optional.empty());
  }

  private static Measured measured(TableRow row) {
    return new Measured(
        row.text("evaluate_run"),
        row.text("task_version"),
        row.text("metric"),
        row.decimal("value"),
        row.has("standard_error")
            ? OptionalDouble.of(row.decimal("standard_error"))
            : OptionalDouble.empty(),
        row.number("items"),
        row.decimal("tokens_per_second"));
  }
}
