package org.sparkao.jobs.table;

import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * One run of one job.
 *
 * @param runId name of the run
 * @param job the verb
 * @param arguments command line as JSON, secrets hidden
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
    String arguments,
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
              new Column("run_id", STRING, "name of the run"),
              new Column("job", STRING, "the verb, such as quantize"),
              new Column("arguments", STRING, "command line: JSON list of texts, secrets hidden"),
              new Column(
                  "config",
                  STRING,
                  "effective configuration, and device-used: JSON map of key to texts"),
              new Column("code_version", STRING, "version of the program"),
              new Column(
                  "fingerprint",
                  STRING,
                  "SHA-256 of source fingerprint, recipe, numerics and code format version"),
              new Column("status", STRING, "running, done, failed or refused"),
              new Column("started_at", TIMESTAMP, "first start of the run"),
              new Column("ended_at", TIMESTAMP, "end; null while running"),
              new Column("application_id", STRING, "Spark application that worked on it last"),
              new Column("source", STRING, "checkpoint that was read"),
              new Column("output", STRING, "checkpoint that was written"),
              new Column("scheme", STRING, "default scheme of the recipe"),
              new Column("source_bytes", LONG, "bytes of all tensors of the source"),
              new Column("output_bytes", LONG, "bytes of all tensors of the output"),
              new Column("tensors", LONG, "tensors of the source"),
              new Column("quantized", LONG, "tensors of the source that were quantized"),
              new Column("shards", LONG, "files of the output")));

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
        arguments,
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
  public List<Object> toRow() {
    return Arrays.asList(
        runId,
        job,
        arguments,
        config,
        codeVersion,
        fingerprint,
        status.name().toLowerCase(Locale.ROOT),
        startedAt,
        endedAt.orElse(null),
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

  /** A row that was read. */
  public static RunRow of(TableRow row) {
    return new RunRow(
        row.text("run_id"),
        row.text("job"),
        row.text("arguments"),
        row.text("config"),
        row.text("code_version"),
        row.text("fingerprint"),
        Status.valueOf(row.text("status").toUpperCase(Locale.ROOT)),
        row.instant("started_at"),
        row.findInstant("ended_at"),
        row.text("application_id"),
        new Volume(
            row.text("source"),
            row.text("output"),
            row.text("scheme"),
            row.number("source_bytes"),
            row.number("output_bytes"),
            row.number("tensors"),
            row.number("quantized"),
            row.number("shards")));
  }
}
