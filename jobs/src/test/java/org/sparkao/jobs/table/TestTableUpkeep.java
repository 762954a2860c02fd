package org.sparkao.jobs.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.delta.kernel.types.StringType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;

/** Tables of other versions, small files, and files that nobody needs. */
class TestTableUpkeep {
  @TempDir private Path folder;

  private DeltaStore store() {
    return new DeltaStore(Storage.ofAssignments(List.of()), folder.toString());
  }

  private List<String> files() throws IOException {
    return store().read(ShardRow.TABLE).stream()
        .map(row -> row.text("output_file"))
        .sorted()
        .toList();
  }

  /** Columns that came later, of this program's own history. */
  @Test
  void rowsOfBeforeAreRead() throws Exception {
    TrainStepRow step =
        new TrainStepRow("t", "cpu, fp32", 1, 2, 3.5, 1e-4, 0.5, 64, 1.5, List.of());
    OlderTable.append(store(), TrainStepRow.TABLE, List.of("device"), step.toRow());
    TrainStepRow read = TrainStepRow.of(store().read(TrainStepRow.TABLE).get(0));
    assertThat(read.device()).isEqualTo("not stored");
    assertThat(read.loss()).isEqualTo(3.5);
    CalibrationRow layer =
        new CalibrationRow(
            "c",
            "q",
            "q",
            64,
            new CalibrationRow.Tokens(8, 8, 8),
            new CalibrationRow.Values(
                2.5, 1, List.of(1.0, 2.0, 2.5), 2, 0, OptionalDouble.of(1.25)),
            OptionalLong.empty(),
            new CalibrationRow.File("f", "0"),
            Instant.parse("2026-11-22T10:00:00Z"));
    OlderTable.append(
        store(), CalibrationRow.TABLE, List.of("int8_cut_off", "cache_amax"), layer.toRow());
    CalibrationRow.Values values =
        CalibrationRow.of(store().read(CalibrationRow.TABLE).get(0)).values();
    assertThat(values.amax()).isEqualTo(2.5);
    assertThat(values.int8CutOff()).isNaN();
    assertThat(values.cacheAmax()).isEmpty();
  }

  @Test
  void aNewerTableIsReadAndNotWritten() throws Exception {
    List<Column> more = new ArrayList<>(ShardRow.TABLE.columns());
    more.add(new Column("of_tomorrow", StringType.STRING, "what is not known yet"));
    List<Object> values = new ArrayList<>(TestDeltaStore.shard("quantize-b", "a", 1));
    values.add("x");
    store().append(new Table("shards", "of tomorrow", more), List.of(values), "quantize-b", 1);
    assertThat(store().read(ShardRow.TABLE).get(0).text("output_file")).isEqualTo("a");
    String message =
        "file://"
            + folder
            + "/shards: has a column of_tomorrow of type string, which is not known here: another"
            + " version of sparkao wrote it; use that one, or give other --tables";
    assertThatThrownBy(() -> store().requireKnownColumns(ShardRow.TABLE))
        .isInstanceOf(QuantException.class)
        .hasMessage(message);
    List<List<Object>> rows = List.of(TestDeltaStore.shard("quantize-b", "b", 2));
    assertThatThrownBy(() -> store().append(ShardRow.TABLE, rows, "quantize-b", 2))
        .isInstanceOf(QuantException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> store().delete(ShardRow.TABLE, "quantize-b", row -> true))
        .hasMessage(message);
  }

  @Test
  void compactionLeavesOneFileAndEveryRow() throws Exception {
    for (int step = 1; step <= 3; step++) {
      store()
          .append(
              ShardRow.TABLE,
              List.of(TestDeltaStore.shard("quantize-a", "a" + step, step)),
              "quantize-a",
              step);
    }
    store()
        .append(
            ShardRow.TABLE, List.of(TestDeltaStore.shard("quantize-b", "b", 1)), "quantize-b", 1);
    assertThat(store().filesByRun(ShardRow.TABLE))
        .isEqualTo(Map.of("quantize-a", 3L, "quantize-b", 1L));
    Instant before = Instant.now().minusSeconds(1);

    assertThat(store().compact(ShardRow.TABLE, "quantize-a")).isTrue();
    assertThat(store().compact(ShardRow.TABLE, "quantize-a")).isFalse();
    assertThat(store().compact(ShardRow.TABLE, "quantize-b")).isFalse();

    assertThat(store().filesByRun(ShardRow.TABLE))
        .isEqualTo(Map.of("quantize-a", 1L, "quantize-b", 1L));
    assertThat(files()).containsExactly("a1", "a2", "a3", "b");
    assertThat(
            store()
                .append(
                    ShardRow.TABLE,
                    List.of(TestDeltaStore.shard("quantize-a", "a3", 3)),
                    "quantize-a",
                    3))
        .isFalse();
    String commit = Files.readString(folder.resolve("shards/_delta_log/00000000000000000004.json"));
    assertThat(commit).contains("\"dataChange\":false").doesNotContain("\"dataChange\":true");
    // What was taken out a moment ago is there for readers of older versions.
    assertThat(store().unusedFiles(ShardRow.TABLE, before)).isEmpty();
    List<String> unused =
        store().unusedFiles(ShardRow.TABLE, Instant.now().plusSeconds(1)).stream()
            .filter(name -> name.endsWith(".parquet"))
            .toList();
    assertThat(unused).hasSize(3).allMatch(name -> name.startsWith("run_id=quantize-a/"));
    for (String name : unused) {
      Files.delete(folder.resolve("shards").resolve(name));
    }
    assertThat(files()).containsExactly("a1", "a2", "a3", "b");
  }

  @Test
  void filesOfCommitsThatNeverCameAboutAreUnused() throws Exception {
    store()
        .append(
            ShardRow.TABLE, List.of(TestDeltaStore.shard("quantize-a", "a", 1)), "quantize-a", 1);
    Path partition = folder.resolve("shards/run_id=quantize-a");
    FileTime longAgo = FileTime.from(Instant.now().minus(Duration.ofDays(2)));
    for (Path file :
        List.of(
            partition.resolve("lost.parquet"),
            partition.resolve(".lost.parquet.crc"),
            folder.resolve("shards/_delta_log/.1.json.x.tmp"))) {
      Files.setLastModifiedTime(Files.createFile(file), longAgo);
    }
    Files.createFile(partition.resolve("being-written.parquet"));
    assertThat(store().unusedFiles(ShardRow.TABLE, Instant.now().minus(Duration.ofDays(1))))
        .containsExactlyInAnyOrder(
            "run_id=quantize-a/lost.parquet",
            "run_id=quantize-a/.lost.parquet.crc",
            "_delta_log/.1.json.x.tmp");
  }
}
