package org.sparkao.jobs.table;

import io.delta.kernel.Scan;
import io.delta.kernel.ScanBuilder;
import io.delta.kernel.Snapshot;
import io.delta.kernel.data.ColumnVector;
import io.delta.kernel.data.ColumnarBatch;
import io.delta.kernel.data.FilteredColumnarBatch;
import io.delta.kernel.data.Row;
import io.delta.kernel.engine.Engine;
import io.delta.kernel.engine.FileReadResult;
import io.delta.kernel.expressions.Literal;
import io.delta.kernel.expressions.Predicate;
import io.delta.kernel.internal.InternalScanFileUtils;
import io.delta.kernel.internal.actions.AddFile;
import io.delta.kernel.internal.actions.SingleAction;
import io.delta.kernel.internal.data.ScanStateRow;
import io.delta.kernel.internal.util.Utils;
import io.delta.kernel.utils.CloseableIterator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reads the files of one version of a table. */
final class TableFiles {
  /** Every file holds rows of one value of it. */
  static final String PARTITION = "run_id";

  private final Table table;
  private final Engine engine;
  private final Snapshot snapshot;

  TableFiles(Table table, Engine engine, Snapshot snapshot) {
    this.table = table;
    this.engine = engine;
    this.snapshot = snapshot;
  }

  /**
   * A file of a table.
   *
   * @param rows what it holds
   * @param added the action that brought it
   */
  record DataFile(List<TableRow> rows, AddFile added) {
    /** The action that takes it and its rows out of the table. */
    Row removal() {
      return removal(true);
    }

    /** The action that takes it out of the table, whose rows are in another file. */
    Row moving() {
      return removal(false);
    }

    private Row removal(boolean dataChange) {
      return SingleAction.createRemoveFileSingleAction(
          added.toRemoveFileRow(dataChange, Optional.of(System.currentTimeMillis())));
    }
  }

  /** All rows. */
  List<TableRow> rows() throws IOException {
    return rows(Optional.empty());
  }

  /** The rows of every file that may hold a text in a column. */
  List<TableRow> rows(String column, String text) throws IOException {
    return rows(Optional.of(equal(column, text)));
  }

  private List<TableRow> rows(Optional<Predicate> filter) throws IOException {
    return read(filter).stream().flatMap(file -> file.rows().stream()).toList();
  }

  /** The files of one run. */
  List<DataFile> ofRun(String runId) throws IOException {
    return read(Optional.of(equal(PARTITION, runId)));
  }

  private static Predicate equal(String column, String text) {
    return new Predicate(
        "=", new io.delta.kernel.expressions.Column(column), Literal.ofString(text));
  }

  /** How many files each run has. */
  Map<String, Long> countByRun() throws IOException {
    Map<String, Long> counts = new TreeMap<>();
    each(
        snapshot.getScanBuilder().build(),
        file ->
            counts.merge(
                InternalScanFileUtils.getPartitionValues(file).get(PARTITION), 1L, Long::sum));
    return counts;
  }

  private List<DataFile> read(Optional<Predicate> filter) throws IOException {
    ScanBuilder builder = snapshot.getScanBuilder();
    if (filter.isPresent()) {
      builder = builder.withFilter(filter.orElseThrow());
    }
    Scan scan = builder.build();
    Row state = scan.getScanState(engine);
    List<DataFile> files = new ArrayList<>();
    each(
        scan,
        file ->
            files.add(
                new DataFile(
                    rows(state, file),
                    new AddFile(file.getStruct(InternalScanFileUtils.ADD_FILE_ORDINAL)))));
    return files;
  }

  /** What is done with a file of a scan. */
  @FunctionalInterface
  private interface FileWork {
    /** Does it. */
    void run(Row file) throws IOException;
  }

  private void each(Scan scan, FileWork work) throws IOException {
    try (CloseableIterator<FilteredColumnarBatch> batches = scan.getScanFiles(engine)) {
      while (batches.hasNext()) {
        try (CloseableIterator<Row> rows = batches.next().getRows()) {
          while (rows.hasNext()) {
            work.run(rows.next());
          }
        }
      }
    }
  }

  private List<TableRow> rows(Row state, Row file) throws IOException {
    List<TableRow> rows = new ArrayList<>();
    try (CloseableIterator<FileReadResult> results =
            engine
                .getParquetHandler()
                .readParquetFiles(
                    Utils.singletonCloseableIterator(InternalScanFileUtils.getAddFileStatus(file)),
                    ScanStateRow.getPhysicalDataReadSchema(state),
                    Optional.empty());
        CloseableIterator<FilteredColumnarBatch> batches =
            Scan.transformPhysicalData(engine, state, file, results.map(FileReadResult::getData))) {
      while (batches.hasNext()) {
        add(batches.next(), rows);
      }
    }
    return rows;
  }

  private void add(FilteredColumnarBatch filtered, List<TableRow> rows) {
    ColumnarBatch batch = filtered.getData();
    Optional<ColumnVector> selected = filtered.getSelectionVector();
    for (int i = 0; i < batch.getSize(); i++) {
      if (selected.isEmpty() || selected.orElseThrow().getBoolean(i)) {
        List<Object> values = new ArrayList<>();
        for (Column column : table.columns()) {
          int ordinal = batch.getSchema().indexOf(column.name());
          values.add(ordinal < 0 ? null : ListVector.read(batch.getColumnVector(ordinal), i));
        }
        rows.add(new TableRow(table, values));
      }
    }
  }
}
