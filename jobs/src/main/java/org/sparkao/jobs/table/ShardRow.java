package org.sparkao.jobs.table;

import static io.delta.kernel.types.IntegerType.INTEGER;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/**
 * One finished file of an output. The file counts only once its row is committed: a restarted run
 * does what has no row.
 *
 * @param runId name of the run
 * @param fingerprint of the run when the file was written
 * @param outputFile name inside the output folder
 * @param outputBytes length of the file
 * @param sourceBytes bytes of tensors that were read for it
 * @param tensors tensors of the source in it
 * @param elapsedNanos from the start of the task to the finished file
 * @param attempt who wrote it, and when
 */
public record ShardRow(
    String runId,
    String fingerprint,
    String outputFile,
    long outputBytes,
    long sourceBytes,
    int tensors,
    long elapsedNanos,
    Attempt attempt) {

  /**
   * The successful attempt at a file.
   *
   * @param id unique name of the attempt
   * @param number Spark's count of attempts at the task, from 0
   * @param executor Spark's executor
   * @param host machine of the executor
   * @param finishedAt when the file had its final name
   */
  public record Attempt(String id, int number, String executor, String host, Instant finishedAt) {}

  /** Columns of {@code shards}. */
  public static final Table TABLE =
      new Table(
          "shards",
          "one finished file of an output; a file counts once its row is here",
          List.of(
              new Column("run_id", STRING, "name of the run"),
              new Column("fingerprint", STRING, "fingerprint of the run"),
              new Column("output_file", STRING, "name inside the output folder"),
              new Column("output_bytes", LONG, "length of the file"),
              new Column("source_bytes", LONG, "bytes of tensors read for it"),
              new Column("tensors", INTEGER, "tensors of the source in it"),
              new Column("elapsed_nanos", LONG, "from start of the task to finished file"),
              new Column("attempt", STRING, "unique name of the attempt that wrote it"),
              new Column("attempt_number", INTEGER, "Spark's attempts at the task before it"),
              new Column("executor", STRING, "Spark executor"),
              new Column("host", STRING, "machine of the executor"),
              new Column("finished_at", TIMESTAMP, "when the file had its final name"),
              new Column("step", LONG, "commit of the run that brought the row")));

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow(long step) {
    return Arrays.asList(
        runId,
        fingerprint,
        outputFile,
        outputBytes,
        sourceBytes,
        tensors,
        elapsedNanos,
        attempt.id(),
        attempt.number(),
        attempt.executor(),
        attempt.host(),
        attempt.finishedAt(),
        step);
  }
}
