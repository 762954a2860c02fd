package org.sparkao.jobs.table;

import io.delta.storage.GCSLogStore;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.sparkao.jobs.storage.Storage;

/**
 * The Delta tables under one root, written and read without Spark. Tables are made by their first
 * row, and every file of one holds rows of one run.
 */
public final class DeltaStore {
  /** Delta's keys, and what keeps drivers apart there that work at the same tables. */
  private static final Map<String, String> LOGS =
      Map.of(
          "io.delta.kernel.logStore.file.impl", LocalLog.class.getName(),
          "io.delta.kernel.logStore.s3a.impl", S3Log.class.getName(),
          "io.delta.kernel.logStore.gs.impl", GCSLogStore.class.getName());

  private final Storage storage;
  private final Configuration configuration;
  private final String root;

  /** The tables under {@code root}, a URI or a local path. */
  public DeltaStore(Storage storage, String root) {
    this.storage = storage;
    this.configuration = storage.configuration();
    LOGS.forEach(configuration::setIfUnset);
    String uri = Storage.localPath(root).map(path -> path.toUri().toString()).orElse(root);
    this.root = uri.endsWith("/") ? uri.substring(0, uri.length() - 1) : uri;
  }

  /** Where a table lies. */
  public String location(Table table) {
    return root + "/" + table.name();
  }

  /** All rows of a table; none when nothing was ever written to it. */
  public List<TableRow> read(Table table) throws IOException {
    return log(table).rows();
  }

  /** The rows of one run. */
  public List<TableRow> read(Table table, String runId) throws IOException {
    return log(table).rows(runId);
  }

  /**
   * The rows of all runs with a text in a column. Files whose statistics exclude it are not read.
   */
  public List<TableRow> readWhere(Table table, String column, String text) throws IOException {
    return log(table).rowsWhere(column, text);
  }

  /** The largest step of the appends of a run to a table; 0 when there was none. */
  public long lastStep(Table table, String runId) {
    return log(table).lastTransaction(runId).orElse(0L);
  }

  /**
   * Appends rows of one run. Doing it again with the same or a smaller {@code step} adds nothing,
   * whatever became of the first attempt (Delta's idempotent transactions).
   *
   * @param rows values in the order of the columns
   * @return whether they were added
   */
  public boolean append(Table table, List<List<Object>> rows, String runId, long step)
      throws IOException {
    return log(table).append(rows, runId, step);
  }

  /** Deletes the rows of a run that a condition finds. */
  public void delete(Table table, String runId, Predicate<TableRow> condition) throws IOException {
    log(table).replace(runId, condition, List.of());
  }

  /** Replaces everything that {@code runs} says about one run. */
  public void replaceRun(RunRow run) throws IOException {
    log(RunRow.TABLE).replace(run.runId(), row -> true, List.of(run.toRow()));
  }

  /** Replaces the rows of a run that a condition finds, in one version of the table. */
  public void replace(
      Table table, String runId, Predicate<TableRow> condition, List<List<Object>> rows)
      throws IOException {
    log(table).replace(runId, condition, rows);
  }

  /** Replaces all rows of a run in a table. */
  public void replace(Table table, String runId, List<List<Object>> rows) throws IOException {
    log(table).replace(runId, row -> true, rows);
  }

  /**
   * Refuses a table that a newer version wrote, before anything is computed for it. One that an
   * older version wrote gets new columns when something is written to it.
   *
   * @throws org.sparkao.quant.QuantException naming a column that is not known here
   */
  public void requireKnownColumns(Table table) {
    log(table).requireKnownColumns();
  }

  /** How many files each run has in a table. */
  public Map<String, Long> filesByRun(Table table) throws IOException {
    return log(table).filesByRun();
  }

  /**
   * Writes the rows of a run that lie in several files of a table into one; others may write to the
   * table at the same time.
   *
   * @return whether there were several
   */
  public boolean compact(Table table, String runId) throws IOException {
    return log(table).compact(runId);
  }

  /**
   * Files in the folder of a table that belong to no version of it since a moment, and were not
   * written since; by their names in that folder.
   */
  public List<String> unusedFiles(Table table, Instant since) throws IOException {
    return log(table).unused(new UnusedFiles(storage.folder(location(table)), since));
  }

  private TableLog log(Table table) {
    return new TableLog(table, location(table), configuration);
  }
}
