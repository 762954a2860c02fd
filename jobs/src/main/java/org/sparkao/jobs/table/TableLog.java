package org.sparkao.jobs.table;

import io.delta.kernel.Operation;
import io.delta.kernel.Snapshot;
import io.delta.kernel.TransactionBuilder;
import io.delta.kernel.TransactionCommitResult;
import io.delta.kernel.data.Row;
import io.delta.kernel.defaults.engine.DefaultEngine;
import io.delta.kernel.engine.Engine;
import io.delta.kernel.exceptions.CheckpointAlreadyExistsException;
import io.delta.kernel.exceptions.ConcurrentWriteException;
import io.delta.kernel.exceptions.TableAlreadyExistsException;
import io.delta.kernel.exceptions.TableNotFoundException;
import io.delta.kernel.hook.PostCommitHook;
import io.delta.kernel.internal.util.Utils;
import io.delta.kernel.utils.CloseableIterable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.sparkao.quant.QuantException;

/** One Delta table: its versions. */
final class TableLog {
  private static final String ENGINE = "sparkao";

  /** Of a writer that meets others at every attempt. */
  private static final int MOST_ATTEMPTS = 100;

  private final Table table;
  private final String location;
  private final TableSchema schema;
  private final Engine engine;

  TableLog(Table table, String location, Configuration configuration) {
    this.table = table;
    this.location = location;
    this.schema = new TableSchema(table, location);
    this.engine = DefaultEngine.create(configuration);
  }

  List<TableRow> rows() throws IOException {
    Optional<Snapshot> now = now();
    return now.isEmpty() ? List.of() : files(now.orElseThrow()).rows();
  }

  List<TableRow> rows(String runId) throws IOException {
    Optional<Snapshot> now = now();
    return now.isEmpty() ? List.of() : files(now.orElseThrow()).rows(TableFiles.PARTITION, runId);
  }

  List<TableRow> rowsWhere(String column, String text) throws IOException {
    Optional<Snapshot> now = now();
    return now.isEmpty()
        ? List.of()
        : files(now.orElseThrow()).rows(column, text).stream()
            .filter(row -> row.text(column).equals(text))
            .toList();
  }

  Optional<Long> lastTransaction(String application) {
    return now().flatMap(snapshot -> snapshot.getLatestTransactionVersion(engine, application));
  }

  /**
   * Adds rows of a run unless a transaction of this or a later step has.
   *
   * @return whether they were added
   */
  boolean append(List<List<Object>> rows, String runId, long step) throws IOException {
    return attempt(
        () -> {
          Optional<Snapshot> now = now();
          if (last(now, runId) >= step) {
            return false;
          }
          TableWrite write = begin(now, runId, step);
          commit(write, write.add(runId, rows));
          return true;
        });
  }

  /**
   * Takes the rows of a run that a condition finds out, and adds others, in one version.
   * Replacements of a run are transactions of their own, so that of two at once one begins anew.
   */
  void replace(String runId, Predicate<TableRow> condition, List<List<Object>> rows)
      throws IOException {
    String replacements = replacements(runId);
    attempt(
        () -> {
          Optional<Snapshot> now = now();
          TableWrite write = begin(now, replacements, last(now, replacements) + 1);
          List<Row> actions = new ArrayList<>();
          List<List<Object>> added = new ArrayList<>(rows);
          if (now.isPresent()) {
            for (TableFiles.DataFile file : files(now.orElseThrow()).ofRun(runId)) {
              List<TableRow> kept = file.rows().stream().filter(condition.negate()).toList();
              if (kept.size() < file.rows().size()) {
                kept.forEach(row -> added.add(row.values()));
                actions.add(file.removal());
              }
            }
          }
          if (actions.isEmpty() && added.isEmpty()) {
            return false;
          }
          if (!added.isEmpty()) {
            actions.addAll(write.add(runId, added));
          }
          commit(write, actions);
          return true;
        });
  }

  private static String replacements(String runId) {
    return runId + "/replaced";
  }

  /**
   * Writes the rows of a run that lie in several files into one, in one version; a replacement of
   * the run at the same time begins anew, or this does.
   *
   * @return whether there were several
   */
  boolean compact(String runId) throws IOException {
    String replacements = replacements(runId);
    return attempt(
        () -> {
          Optional<Snapshot> now = now();
          List<TableFiles.DataFile> files =
              now.isEmpty() ? List.of() : files(now.orElseThrow()).ofRun(runId);
          if (files.size() < 2) {
            return false;
          }
          TableWrite write = begin(now, replacements, last(now, replacements) + 1);
          List<Row> actions = new ArrayList<>();
          List<List<Object>> rows = new ArrayList<>();
          for (TableFiles.DataFile file : files) {
            file.rows().forEach(row -> rows.add(row.values()));
            actions.add(file.moving());
          }
          actions.addAll(write.move(runId, rows));
          commit(write, actions);
          return true;
        });
  }

  /** How many files each run has. */
  Map<String, Long> filesByRun() throws IOException {
    Optional<Snapshot> now = now();
    return now.isEmpty() ? Map.of() : files(now.orElseThrow()).countByRun();
  }

  /** Names of the files in its folder that nobody needs. */
  List<String> unused(UnusedFiles files) throws IOException {
    Optional<Snapshot> now = now();
    return now.isEmpty() ? List.of() : files.names(engine, now.orElseThrow());
  }

  private Optional<Snapshot> now() {
    try {
      return Optional.of(io.delta.kernel.Table.forPath(engine, location).getLatestSnapshot(engine));
    } catch (TableNotFoundException e) {
      return Optional.empty();
    }
  }

  /** As every write does; a table that is not there yet gets all columns. */
  void requireKnownColumns() {
    now().ifPresent(schema::requireKnown);
  }

  private long last(Optional<Snapshot> now, String application) {
    return now.flatMap(snapshot -> snapshot.getLatestTransactionVersion(engine, application))
        .orElse(-1L);
  }

  private TableFiles files(Snapshot snapshot) {
    return new TableFiles(table, engine, snapshot);
  }

  private TableWrite begin(Optional<Snapshot> now, String application, long version) {
    if (now.isPresent()) {
      schema.requireKnown(now.orElseThrow());
      if (schema.lacksColumns(now.orElseThrow())) {
        schema.addColumns(engine, now.orElseThrow(), ENGINE);
      }
    }
    TransactionBuilder builder =
        io.delta.kernel.Table.forPath(engine, location)
            .createTransactionBuilder(
                engine, ENGINE, now.isPresent() ? Operation.WRITE : Operation.CREATE_TABLE)
            .withTransactionId(engine, application, version);
    if (now.isEmpty()) {
      builder =
          builder
              .withSchema(engine, table.schema())
              .withPartitionColumns(engine, List.of(TableFiles.PARTITION));
    }
    return new TableWrite(table, engine, builder.build(engine));
  }

  private void commit(TableWrite write, List<Row> actions) throws IOException {
    TransactionCommitResult result =
        write
            .transaction()
            .commit(
                engine,
                CloseableIterable.inMemoryIterable(Utils.toCloseableIterator(actions.iterator())));
    for (PostCommitHook hook : result.getPostCommitHooks()) {
      if (hook.getType() == PostCommitHook.PostCommitHookType.CHECKPOINT) {
        try {
          hook.threadSafeInvoke(engine);
        } catch (CheckpointAlreadyExistsException e) {
          // Another writer was faster, and its checkpoint says the same.
        }
      }
    }
  }

  /** A step that may meet another writer. */
  @FunctionalInterface
  private interface Attempt {
    /** Looks at the newest version first; says whether it changed the table. */
    boolean run() throws IOException;
  }

  private boolean attempt(Attempt attempt) throws IOException {
    RuntimeException last = null;
    for (int i = 0; i < MOST_ATTEMPTS; i++) {
      try {
        return attempt.run();
      } catch (ConcurrentWriteException | TableAlreadyExistsException e) {
        last = e;
      }
    }
    throw new QuantException(
        location + ": other writers were faster " + MOST_ATTEMPTS + " times", last);
  }
}
