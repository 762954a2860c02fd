package org.sparkao.jobs.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.jobs.table.Table;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;

/** What the tables say. */
final class TableReader {
  private TableReader() {}

  private static DeltaStore local(Path tables) {
    return new DeltaStore(Storage.ofAssignments(List.of()), tables.toString());
  }

  static List<TableRow> rows(Path tables, Table table) throws IOException {
    return local(tables).read(table);
  }

  /** Attempt of each committed file. */
  static Map<String, String> attempts(Path tables) throws IOException {
    return attempts(local(tables));
  }

  /** The same of tables anywhere. */
  static Map<String, String> attempts(DeltaStore tables) throws IOException {
    Map<String, String> attempts = new TreeMap<>();
    for (TableRow row : tables.read(ShardRow.TABLE)) {
      String other = attempts.put(row.text("output_file"), row.text("attempt"));
      if (other != null) {
        throw new AssertionError(row.text("output_file") + " was committed twice");
      }
    }
    return attempts;
  }

  /** Spark's count of attempts at each committed file, from 0. */
  static Map<String, Long> attemptNumbers(Path tables) throws IOException {
    return attemptNumbers(local(tables));
  }

  /** The same of tables anywhere. */
  static Map<String, Long> attemptNumbers(DeltaStore tables) throws IOException {
    Map<String, Long> numbers = new TreeMap<>();
    tables
        .read(ShardRow.TABLE)
        .forEach(row -> numbers.put(row.text("output_file"), row.number("attempt_number")));
    return numbers;
  }

  /** What became of the runs. */
  static List<String> statuses(Path tables) throws IOException {
    return rows(tables, RunRow.TABLE).stream().map(row -> row.text("status")).toList();
  }

  /** How often each tensor is there. */
  static List<Long> tensorsPerName(Path tables) throws IOException {
    return tensorsPerName(local(tables));
  }

  /** The same of tables anywhere. */
  static List<Long> tensorsPerName(DeltaStore tables) throws IOException {
    Map<String, Long> counts = new TreeMap<>();
    tables.read(TensorRow.TABLE).forEach(row -> counts.merge(row.text("tensor"), 1L, Long::sum));
    return List.copyOf(counts.values());
  }
}
