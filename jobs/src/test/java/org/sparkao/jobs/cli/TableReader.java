package org.sparkao.jobs.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigLayer;
import org.sparkao.jobs.spark.SparkSessions;

/** What the tables say, for tests without a session of their own. */
final class TableReader {
  private TableReader() {}

  /** Attempt of each committed file. */
  static Map<String, String> attempts(Path tables, String run) {
    Map<String, String> attempts = new TreeMap<>();
    for (Row row : rows(tables, "shards", run, "output_file", "attempt")) {
      String other = attempts.put(row.getString(0), row.getString(1));
      if (other != null) {
        throw new AssertionError(row.getString(0) + " was committed twice");
      }
    }
    return attempts;
  }

  /** Spark's count of attempts at each committed file, from 0. */
  static Map<String, Integer> attemptNumbers(Path tables, String run) {
    Map<String, Integer> numbers = new TreeMap<>();
    rows(tables, "shards", run, "output_file", "attempt_number")
        .forEach(row -> numbers.put(row.getString(0), row.getInt(1)));
    return numbers;
  }

  /** What {@code runs} says of the run of these tables. */
  static List<String> statuses(Path tables) {
    return rows(tables, "runs", "the-run", "status", "run_id").stream()
        .map(row -> row.getString(0))
        .toList();
  }

  /** How often each tensor is there. */
  static List<Long> tensorsPerName(Path tables, String run) {
    Map<String, Long> counts = new TreeMap<>();
    rows(tables, "tensors", run, "tensor", "module")
        .forEach(row -> counts.merge(row.getString(0), 1L, Long::sum));
    return List.copyOf(counts.values());
  }

  private static List<Row> rows(Path tables, String table, String run, String... columns) {
    Map<String, List<String>> settings =
        Map.of("master", List.of("local[1]"), "conf", List.of("spark.ui.enabled=false"));
    Config config = Config.resolve(CommonKeys.all(), List.of(new ConfigLayer("test", settings)));
    try (SparkSessions.Lease lease = SparkSessions.lease(config, "table reader")) {
      Dataset<Row> rows =
          lease.session().read().format("delta").load(tables.resolve(table).toString());
      return rows.where("run_id = '" + run + "'").select(columns[0], columns[1]).collectAsList();
    }
  }
}
