package org.sparkao.jobs.table;

import static io.delta.kernel.types.DoubleType.DOUBLE;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What a linear layer read in a calibration.
 *
 * @param runId name of the run
 * @param module name
 * @param input the module that its statistics are stored under
 * @param columns channels of its input
 * @param tokens how many it saw
 * @param values what they were
 * @param expert that it belongs to, in its block
 * @param file where the statistics are
 * @param measuredAt when the row was made
 */
public record CalibrationRow(
    String runId,
    String module,
    String input,
    long columns,
    Tokens tokens,
    Values values,
    OptionalLong expert,
    File file,
    Instant measuredAt) {

  /**
   * Tokens of an input.
   *
   * @param seen that the statistics are of
   * @param routed of them, those that the model sends there
   * @param all of the calibration
   */
  public record Tokens(long seen, long routed, long all) {
    /** Share of all tokens that the model sends there: 1, but for experts. */
    public double coverage() {
      return (double) routed / all;
    }

    /** Shown to an expert that the router sent too few. */
    public long shown() {
      return seen - routed;
    }
  }

  /**
   * Values of an input.
   *
   * @param amax largest magnitude
   * @param meanSquare mean of x^2
   * @param percentiles of magnitudes: 99, 99.9, 99.99
   * @param int8CutOff cut-off of least squared error for symmetric int8 codes
   * @param deadChannels that were never anything but zero
   * @param cacheAmax largest key or value that the layer's results leave in the cache, where those
   *     were looked at
   */
  public record Values(
      double amax,
      double meanSquare,
      List<Double> percentiles,
      double int8CutOff,
      long deadChannels,
      OptionalDouble cacheAmax) {
    /** Freezes the list. */
    public Values {
      percentiles = List.copyOf(percentiles);
    }
  }

  /** A file of a calibration, and the SHA-256 of its tensors. */
  public record File(String location, String sha256) {}

  /** Columns of {@code calibration}. */
  public static final Table TABLE =
      new Table(
          "calibration",
          "what one linear layer read in one calibration",
          List.of(
              new Column("run_id", STRING, "name of the run"),
              new Column("module", STRING, "linear layer"),
              new Column(
                  "input", STRING, "module that the statistics are stored under: same input"),
              new Column("columns", LONG, "channels of the input"),
              new Column("tokens", LONG, "tokens that the statistics are of"),
              new Column("routed_tokens", LONG, "of them, those that the model sends there"),
              new Column(
                  "shown_tokens",
                  LONG,
                  "of them, those shown to an expert because the router sent too few"),
              new Column("all_tokens", LONG, "tokens of the calibration"),
              new Column(
                  "coverage",
                  DOUBLE,
                  "routed tokens over all of the calibration; 1 but for experts"),
              new Column("expert", LONG, "number of the expert; null for other layers"),
              new Column("amax", DOUBLE, "largest magnitude of the input"),
              new Column("mean_square", DOUBLE, "mean of x^2"),
              new Column("p99", DOUBLE, "magnitude that 99 % of the values do not exceed"),
              new Column("p999", DOUBLE, "the same of 99.9 %"),
              new Column("p9999", DOUBLE, "the same of 99.99 %"),
              new Column(
                  "int8_cut_off",
                  DOUBLE,
                  "largest magnitude of a static int8 scale of least squared error"),
              new Column("dead_channels", LONG, "channels that were never anything but zero"),
              new Column(
                  "cache_amax",
                  DOUBLE,
                  "largest key after rotation (k_proj) or value (v_proj); null of other layers and"
                      + " without --kv-cache"),
              new Column("file", STRING, "file with all statistics"),
              new Column("sha256", STRING, "SHA-256 of the file's tensors"),
              new Column("measured_at", TIMESTAMP, "when the row was made")));

  /** All parts are given. */
  public CalibrationRow {
    Objects.requireNonNull(tokens, "tokens");
    Objects.requireNonNull(values, "values");
    Objects.requireNonNull(expert, "expert");
  }

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow() {
    return Arrays.asList(
        runId,
        module,
        input,
        columns,
        tokens.seen(),
        tokens.routed(),
        tokens.shown(),
        tokens.all(),
        tokens.coverage(),
        expert.isPresent() ? (Long) expert.getAsLong() : null,
        values.amax(),
        values.meanSquare(),
        values.percentiles().get(0),
        values.percentiles().get(1),
        values.percentiles().get(2),
        values.int8CutOff(),
        values.deadChannels(),
        values.cacheAmax().isPresent() ? (Double) values.cacheAmax().getAsDouble() : null,
        file.location(),
        file.sha256(),
        measuredAt);
  }

  /** A row that was read. */
  public static CalibrationRow of(TableRow row) {
    return new CalibrationRow(
        row.text("run_id"),
        row.text("module"),
        row.text("input"),
        row.number("columns"),
        new Tokens(row.number("tokens"), row.number("routed_tokens"), row.number("all_tokens")),
        new Values(
            row.decimal("amax"),
            row.decimal("mean_square"),
            List.of(row.decimal("p99"), row.decimal("p999"), row.decimal("p9999")),
            row.has("int8_cut_off") ? row.decimal("int8_cut_off") : Double.NaN,
            row.number("dead_channels"),
            row.has("cache_amax")
                ? OptionalDouble.of(row.decimal("cache_amax"))
                : OptionalDouble.empty()),
        row.findNumber("expert").map(OptionalLong::of).orElse(OptionalLong.empty()),
        new File(row.text("file"), row.text("sha256")),
        row.instant("measured_at"));
  }
}
