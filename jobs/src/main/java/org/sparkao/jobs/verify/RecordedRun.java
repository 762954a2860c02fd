package org.sparkao.jobs.verify;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.explode;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.TensorRow;

/**
 * What the tables know of the run that wrote a checkpoint.
 *
 * @param note a line for the user: which run, or why none
 * @param rule the check against it; empty when there is nothing to check against
 */
record RecordedRun(String note, Optional<Rule> rule) {

  /** Looks up a checkpoint's run. Spark is started only when there is one to look up. */
  static RecordedRun of(Folder checkpoint, Config config) throws IOException {
    Optional<String> runId = Provenance.runId(checkpoint);
    if (runId.isEmpty()) {
      return new RecordedRun(
          "hashes: not checked, the folder does not say that sparkao wrote it", Optional.empty());
    }
    String tables = config.value(CommonKeys.TABLES);
    Folder root = Storage.ofAssignments(config.all(CommonKeys.CONF)).folder(tables);
    if (root.list(TensorRow.TABLE.name()).isEmpty()) {
      return unknown(runId.get(), tables);
    }
    List<RecordedPart> parts = read(runId.get(), tables, config);
    return parts.isEmpty()
        ? unknown(runId.get(), tables)
        : new RecordedRun(
            "hashes: " + parts.size() + " tensors compared with run " + runId.get(),
            Optional.of(new HashRule(runId.get(), parts)));
  }

  private static RecordedRun unknown(String runId, String tables) {
    return new RecordedRun(
        "hashes: not checked, run " + runId + " is not in the tables at " + tables,
        Optional.empty());
  }

  private static List<RecordedPart> read(String runId, String tables, Config config) {
    List<RecordedPart> parts = new ArrayList<>();
    try (SparkLease spark = SparkLease.open(config, "sparkao verify")) {
      Optional<Dataset<Row>> rows = new DeltaStore(spark.session(), tables).read(TensorRow.TABLE);
      if (rows.isPresent()) {
        rows.get()
            .where(col("run_id").equalTo(runId))
            .select(col("output_file"), explode(col("parts")).as("part"))
            .select("output_file", "part.name", "part.bytes", "part.sha256")
            .collectAsList()
            .forEach(
                row ->
                    parts.add(
                        new RecordedPart(
                            row.getString(1), row.getString(0), row.getLong(2), row.getString(3))));
      }
    }
    return parts;
  }
}
