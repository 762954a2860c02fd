package org.sparkao.jobs.table;

import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One run of a sweep.
 *
 * @param runId name of the run
 * @param sweep name of the sweep
 * @param definition text of its file
 * @param output folder of its checkpoints
 * @param counts what became of the cells
 * @param exitCode empty while it runs
 * @param startedAt first start
 * @param endedAt end; empty while it runs
 */
public record SweepRow(
    String runId,
    String sweep,
    String definition,
    String output,
    Counts counts,
    Optional<Long> exitCode,
    Instant startedAt,
    Optional<Instant> endedAt) {

  /**
   * What became of the cells of the plan.
   *
   * @param cells all
   * @param computed by this run
   * @param kept from runs before
   * @param failed failed or refused
   * @param regressions that this run found
   */
  public record Counts(long cells, long computed, long kept, long failed, long regressions) {}

  /** Columns of {@code sweeps}. */
  public static final Table TABLE =
      new Table(
          "sweeps",
          "one run of a sweep; replaced when it ends",
          List.of(
              new Column("run_id", STRING, "name of the run"),
              new Column("sweep", STRING, "name of the sweep, from its file"),
              new Column("definition", STRING, "text of its file"),
              new Column("output", STRING, "folder of its checkpoints"),
              new Column("cells", LONG, "cells of the plan"),
              new Column("computed", LONG, "cells that this run computed"),
              new Column("kept", LONG, "cells that runs before had computed"),
              new Column("failed", LONG, "cells that failed or were refused"),
              new Column("regressions", LONG, "regressions that this run found"),
              new Column("exit_code", LONG, "of the process; null while it runs"),
              new Column("started_at", TIMESTAMP, "first start of the run"),
              new Column("ended_at", TIMESTAMP, "end; null while it runs")));

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow() {
    return Arrays.asList(
        runId,
        sweep,
        definition,
        output,
        counts.cells(),
        counts.computed(),
        counts.kept(),
        counts.failed(),
        counts.regressions(),
        exitCode.orElse(null),
        startedAt,
        endedAt.orElse(null));
  }

  /** A row that was read. */
  public static SweepRow of(TableRow row) {
    return new SweepRow(
        row.text("run_id"),
        row.text("sweep"),
        row.text("definition"),
        row.text("output"),
        new Counts(
            row.number("cells"),
            row.number("computed"),
            row.number("kept"),
            row.number("failed"),
            row.number("regressions")),
        row.findNumber("exit_code"),
        row.instant("started_at"),
        row.findInstant("ended_at"));
  }
}
