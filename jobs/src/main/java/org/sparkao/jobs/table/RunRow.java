package org.sparkao.jobs.table;

import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.TimestampType;

import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * One run of one job.
 *
 * @param runId name of the run
 * @param job the verb
 * @param config effective configuration as JSON
 * @param codeVersion version of this program
 * @param fingerprint hash of everything that decides the output
 * @param status where the run stands
 * @param startedAt first start
 * @param endedAt end; empty while running
 * @param applicationId Spark's name of the last application that worked on it
 * @param input what was read, and what came of it
 */
public record RunRow(
    String runId,
    String job,
    String config,
    String codeVersion,
    String fingerprint,
    Status status,
    Instant startedAt,
    Optional<Instant> endedAt,
    String applicationId,
    Volume input) {

  /** Where a run stands. */
  public enum Status {
    /** Started, and neither finished nor known to have failed: alive, or killed. */
    RUNNING,
    /** The output is complete. */
    DONE,
    /** Ended with an error; can go on. */
    FAILED,
    /** Ended because its input was refused while reading. */
    REFUSED
  }

  /**
   * What a run works on.
   *
   * @param source checkpoint that is read
   * @param output checkpoint that is written
   * @param scheme default scheme of the recipe
   * @param sourceBytes bytes of tensors to read
   * @param outputBytes bytes of tensors to write
   * @param tensors tensors of the source
   * @param quantized tensors of them that are quantized
   * @param shards files to write
   */
  public record Volume(
      String source,
      String output,
      String scheme,
      long sourceBytes,
      long outputBytes,
      long tensors,
      long quantized,
      long shards) {}

  /** Columns of {@code runs}. */
  public static final Table TABLE =
      new Table(
          "runs",
          "one run of one job; replaced when its status changes",
          List.of(
              new Column("run_id", StringType, "name of the run"),
              new Column("job", StringType, "the verb, such as quantize"),
              new Column("config", StringType, "effective configuration: JSON map of key to texts"),
              new Column("code_version", StringType, "version of the program"),
              new Column(
                  "fingerprint",
                  StringType,
                  "SHA-256 of source fingerprint, recipe, numerics and code format version"),
              new Column("status", StringType, "running, done, failed or refused"),
              new Column("started_at", TimestampType, "first start of the run"),
              new Column("ended_at", TimestampType, "end; null while running"),
              new Column("application_id", StringType, "Spark application that worked on it last"),
              new Column("source", StringType, "checkpoint that was read"),
              new Column("output", StringType, "checkpoint that was written"),
              new Column("scheme", StringType, "default scheme of the recipe"),
              new Column("source_bytes", LongType, "bytes of all tensors of the source"),
              new Column("output_bytes", LongType, "bytes of all tensors of the output"),
              new Column("tensors", LongType, "tensors of the source"),
              new Column("quantized", LongType, "tensors of the source that were quantized"),
              new Column("shards", LongType, "files of the output")));

  /** All parts are given. */
  public RunRow {
    Objects.requireNonNull(status, "status");
    Objects.requireNonNull(endedAt, "endedAt");
    Objects.requireNonNull(input, "input");
  }

  /** This run with another status, ended at that moment unless still running. */
  public RunRow with(Status newStatus, Instant now) {
    return new RunRow(
        runId,
        job,
        config,
        codeVersion,
        fingerprint,
        newStatus,
        startedAt,
        newStatus == Status.RUNNING ? Optional.empty() : Optional.of(now),
        applicationId,
        input);
  }

  /** The row in the order of {@link #TABLE}. */
  public Row toRow() {
    return RowFactory.create(
        runId,
        job,
        config,
        codeVersion,
        fingerprint,
        status.name().toLowerCase(Locale.ROOT),
        Timestamp.from(startedAt),
        endedAt.map(Timestamp::from).orElse(null),
        applicationId,
        input.source(),
        input.output(),
        input.scheme(),
        input.sourceBytes(),
        input.outputBytes(),
        input.tensors(),
        input.quantized(),
        input.shards());
  }
}
