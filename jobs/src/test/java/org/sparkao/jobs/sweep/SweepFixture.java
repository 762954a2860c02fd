package org.sparkao.jobs.sweep;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepComparisonRow;
import org.sparkao.jobs.table.SweepRow;
import org.sparkao.jobs.table.Table;
import org.sparkao.jobs.table.TableRow;

/** A sweep over the bundled sample in a folder of its own. */
public final class SweepFixture {
  private final Path folder;
  private final int items;

  /**
   * Copies the sample.
   *
   * @param items of its task that are evaluated
   */
  public SweepFixture(Path folder, int items) throws IOException {
    this.folder = folder;
    this.items = items;
    BundledSample.copyCheckpointTo(model());
  }

  /** The checkpoint. */
  public Path model() {
    return folder.resolve("model");
  }

  /** The sweep's folder. */
  public Path output() {
    return folder.resolve("output");
  }

  /** The root of the tables. */
  public Path tables() {
    return folder.resolve("tables");
  }

  /** Writes a file with these schemes and these further lines. */
  public Path file(String schemes, String... lines) throws IOException {
    List<String> text =
        new ArrayList<>(
            List.of(
                "sweep: t",
                "output: " + output(),
                "models: [{name: m, checkpoint: " + model() + "}]",
                "schemes: [" + schemes + "]",
                "tasks: [{name: sample, task: sample, limit: " + items + "}]",
                "evaluate: {data: ., device: cpu}",
                "quantize: {device: cpu}"));
    text.addAll(Arrays.asList(lines));
    return Files.write(folder.resolve("sweep.yaml"), text);
  }

  /** Starts the sweep in this JVM. */
  public JobRun run(Path file, String... options) throws Exception {
    List<String> all =
        new ArrayList<>(List.of("file", file.toString(), "tables", tables().toString()));
    all.addAll(Arrays.asList(options));
    return JobRun.of(new SweepJob(), all.toArray(String[]::new));
  }

  /** Rows of all runs, in the order in which cells ended. */
  public List<SweepCellRow> cells() throws IOException {
    return rows(SweepCellRow.TABLE).stream()
        .map(SweepCellRow::of)
        .sorted(Comparator.comparing(row -> row.ending().finishedAt()))
        .toList();
  }

  /** Rows of all runs, oldest first. */
  public List<SweepRow> runs() throws IOException {
    return rows(SweepRow.TABLE).stream()
        .map(SweepRow::of)
        .sorted(Comparator.comparing(SweepRow::startedAt))
        .toList();
  }

  /** Comparisons of one kind, oldest first. */
  public List<SweepComparisonRow> comparisons(String against) throws IOException {
    return rows(SweepComparisonRow.TABLE).stream()
        .map(SweepComparisonRow::of)
        .filter(row -> row.against().equals(against))
        .sorted(Comparator.comparing(SweepComparisonRow::comparedAt))
        .toList();
  }

  /** The tables. */
  public DeltaStore store() {
    return new DeltaStore(Storage.ofAssignments(List.of()), tables().toString());
  }

  private List<TableRow> rows(Table table) throws IOException {
    return store().read(table);
  }

  /** What does not depend on when and where cells were computed; sorted by place. */
  public static List<String> said(List<SweepCellRow> cells) {
    return cells.stream()
        .map(
            row ->
                String.join(
                    " ",
                    row.place().toString(),
                    row.key(),
                    row.source().hash(),
                    row.output().bytes().toString(),
                    row.ending().status().toString(),
                    row.measured().map(m -> m.metric() + m.value() + m.items()).orElse("-"),
                    row.measured().map(m -> m.standardError().toString()).orElse("-")))
        .sorted()
        .toList();
  }
}
