package org.sparkao.jobs.describe;

import static org.apache.spark.sql.functions.col;

import java.sql.Timestamp;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.apache.spark.sql.Row;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.QuantException;

/** Reads runs and what became of their tensors. */
public final class RunTables {
  private static final int NEAR = 5;

  private final DeltaStore store;

  /** The runs of a store. */
  public RunTables(DeltaStore store) {
    this.store = store;
  }

  /** All runs, newest first. */
  public List<RunRow> newestFirst() {
    return store
        .read(RunRow.TABLE)
        .map(rows -> rows.collectAsList().stream().map(RunTables::run).toList())
        .orElse(List.of())
        .stream()
        .sorted(Comparator.comparing(RunRow::startedAt).thenComparing(RunRow::runId).reversed())
        .toList();
  }

  /**
   * Everything about a run.
   *
   * @throws QuantException when there is no run of that name
   */
  public RunDescription describe(String runId) {
    List<RunRow> runs = newestFirst();
    return describe(
        runs.stream()
            .filter(run -> run.runId().equals(runId))
            .findFirst()
            .orElseThrow(
                () ->
                    new QuantException(
                        "run " + runId + " is not in " + store.location(RunRow.TABLE))));
  }

  /** Everything about a run. */
  public RunDescription describe(RunRow run) {
    List<TensorResult> tensors =
        store
            .read(TensorRow.TABLE)
            .map(
                rows ->
                    rows.where(col("run_id").equalTo(run.runId())).collectAsList().stream()
                        .map(RunTables::tensor)
                        .sorted(Comparator.comparing(TensorResult::tensor))
                        .toList())
            .orElse(List.of());
    return new RunDescription(run, tensors);
  }

  /** The names of runs most like one that does not exist. */
  static List<String> near(String id, List<RunRow> runs) {
    LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
    return runs.stream()
        .map(RunRow::runId)
        .sorted(Comparator.comparing(other -> distance.apply(id, other)))
        .limit(NEAR)
        .toList();
  }

  private static RunRow run(Row row) {
    return new RunRow(
        row.getAs("run_id"),
        row.getAs("job"),
        row.getAs("config"),
        row.getAs("code_version"),
        row.getAs("fingerprint"),
        RunRow.Status.valueOf(row.<String>getAs("status").toUpperCase(Locale.ROOT)),
        row.<Timestamp>getAs("started_at").toInstant(),
        Optional.ofNullable(row.<Timestamp>getAs("ended_at")).map(Timestamp::toInstant),
        row.getAs("application_id"),
        new RunRow.Volume(
            row.getAs("source"),
            row.getAs("output"),
            row.getAs("scheme"),
            row.<Long>getAs("source_bytes"),
            row.<Long>getAs("output_bytes"),
            row.<Long>getAs("tensors"),
            row.<Long>getAs("quantized"),
            row.<Long>getAs("shards")));
  }

  private static TensorResult tensor(Row row) {
    return new TensorResult(
        row.getAs("tensor"),
        row.getAs("module"),
        Optional.ofNullable(row.<Long>getAs("layer")),
        row.getList(row.fieldIndex("shape")),
        new TensorResult.Treatment(
            Optional.ofNullable(row.<String>getAs("scheme")),
            Optional.ofNullable(row.<String>getAs("reason")),
            row.getAs("numerics"),
            row.getAs("algorithm"),
            row.getAs("device")),
        row.<Long>getAs("source_end") - row.<Long>getAs("source_begin"),
        row.<Long>getAs("output_bytes"),
        row.isNullAt(row.fieldIndex("elements")) ? Optional.empty() : Optional.of(error(row)));
  }

  private static TensorResult.Error error(Row row) {
    return new TensorResult.Error(
        row.<Long>getAs("non_finite"),
        row.<Double>getAs("amax"),
        row.<Double>getAs("sqnr_db"),
        row.<Double>getAs("max_error"),
        row.<Double>getAs("mean_error"),
        row.<Double>getAs("clipped_fraction"));
  }
}
