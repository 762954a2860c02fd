package org.sparkao.jobs.table;

import io.delta.tables.DeltaTable;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/** The Delta tables under one root. Tables are made by their first row. */
public final class DeltaStore {
  private final SparkSession session;
  private final String root;

  /** The tables under {@code root}, a URI or a local path. */
  public DeltaStore(SparkSession session, String root) {
    this.session = session;
    this.root = root.endsWith("/") ? root.substring(0, root.length() - 1) : root;
  }

  /** Where a table lies. */
  public String location(Table table) {
    return root + "/" + table.name();
  }

  /** The rows of a table; empty when nothing was ever written to it. */
  public Optional<Dataset<Row>> read(Table table) {
    if (!DeltaTable.isDeltaTable(session, location(table))) {
      return Optional.empty();
    }
    return Optional.of(session.read().format("delta").load(location(table)));
  }

  /**
   * Appends rows of one run. Doing it again with the same or a smaller {@code step} adds nothing,
   * whatever became of the first attempt (Delta's idempotent transactions).
   */
  public void append(Table table, List<Row> rows, String runId, long step) {
    session
        .createDataFrame(rows, table.schema())
        .coalesce(1)
        .write()
        .format("delta")
        .partitionBy("run_id")
        .mode(SaveMode.Append)
        .option("txnAppId", runId)
        .option("txnVersion", step)
        .save(location(table));
  }

  /** Deletes the rows that a condition in SQL finds. */
  public void delete(Table table, String condition) {
    DeltaTable.forPath(session, location(table)).delete(condition);
  }

  /** The session of the tables. */
  public SparkSession session() {
    return session;
  }

  /** Replaces everything that {@code runs} says about one run. */
  public void replaceRun(RunRow run) {
    session
        .createDataFrame(List.of(run.toRow()), RunRow.TABLE.schema())
        .coalesce(1)
        .write()
        .format("delta")
        .partitionBy("run_id")
        .mode(SaveMode.Overwrite)
        .option("replaceWhere", "run_id = '" + run.runId() + "'")
        .save(location(RunRow.TABLE));
  }
}
