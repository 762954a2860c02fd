package org.sparkao.jobs.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.delta.kernel.types.StringType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.metric.TensorStatistics;

/** What the store wrote, as Spark and Delta read it. */
class TestDeltaStore {
  private static SparkSession spark;

  @TempDir private Path folder;

  @BeforeAll
  static void startSpark() {
    spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.databricks.delta.snapshotPartitions", "1")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config(
                "spark.sql.catalog.spark_catalog",
                "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .getOrCreate();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  private DeltaStore store() {
    return new DeltaStore(Storage.ofAssignments(List.of()), folder.toString());
  }

  private Dataset<Row> bySpark(Table table) {
    return spark.read().format("delta").load(folder.resolve(table.name()).toString());
  }

  private static List<Object> shard(String run, String file, long step) {
    return new ShardRow(
            run,
            "f".repeat(64),
            file,
            123_456_789_012L,
            5,
            3,
            42,
            new ShardRow.Attempt(
                "attempt-" + file,
                1,
                "driver",
                "host",
                Instant.parse("2026-11-22T10:00:00.123456Z")))
        .toRow(step);
  }

  private static RunRow run(String id, RunRow.Status status) {
    return new RunRow(
            id,
            "quantize",
            "[\"quantize\",\"--scheme\",\"W4A16\"]",
            "{}",
            "0.1.0",
            "f".repeat(64),
            RunRow.Status.RUNNING,
            Instant.parse("2026-11-22T10:00:00Z"),
            Optional.empty(),
            "local-1",
            new RunRow.Volume("src", "out", "W4A16", 2_000_000, 500_000, 2, 1, 1))
        .with(status, Instant.parse("2026-11-22T10:01:15Z"));
  }

  private static List<Object> tensor(Optional<TensorStatistics> statistics) {
    return new TensorRow(
            "quantize-a",
            new TensorRow.Source(
                "up.weight",
                "up",
                Optional.empty(),
                "BF16",
                List.of(10L, 100L),
                "model.safetensors",
                100,
                2100,
                "0".repeat(64)),
            new TensorRow.Treatment(
                Optional.of("W4A16"), Optional.empty(), "compressed-tensors", "rtn", "cpu"),
            List.of(
                new TensorRow.Part("up.weight_packed", 64, 500, "1".repeat(64)),
                new TensorRow.Part("up.weight_scale", 564, 20, "2".repeat(64))),
            "model.safetensors",
            "3".repeat(64),
            7,
            statistics,
            1_000_000,
            "attempt",
            "driver")
        .toRow(1);
  }

  private List<String> filesBySpark() {
    return bySpark(ShardRow.TABLE).collectAsList().stream()
        .map(row -> row.<String>getAs("output_file"))
        .sorted()
        .toList();
  }

  /** A table, and rows of it, without some columns: as before there were any. */
  private void appendWithout(List<String> columns, Table table, List<Object> row) throws Exception {
    List<Column> fewer = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    for (Column column : table.columns()) {
      if (!columns.contains(column.name())) {
        fewer.add(column);
        values.add(row.get(table.columns().indexOf(column)));
      }
    }
    store().append(new Table(table.name(), "of before", fewer), List.of(values), "quantize-old", 1);
  }

  @Test
  void anOlderTableGetsTheColumnsThatItLacks() throws Exception {
    List<Object> row = tensor(Optional.of(new TensorStatistics(1000, 0, 3.5, 100, 1, 10, 0.25, 5)));
    appendWithout(List.of("noise", "layer", "reason"), TensorRow.TABLE, row);
    store().requireKnownColumns(TensorRow.TABLE);
    assertThat(store().read(TensorRow.TABLE).get(0).has("noise")).isFalse();

    store().append(TensorRow.TABLE, List.of(row), "quantize-a", 1);
    store().delete(TensorRow.TABLE, "quantize-old", old -> old.decimal("amax") != 3.5);

    assertThat(store().read(TensorRow.TABLE, "quantize-a").get(0).values()).isEqualTo(row);
    assertThat(bySpark(TensorRow.TABLE).schema().fieldNames())
        .containsExactlyInAnyOrder(
            TensorRow.TABLE.columns().stream().map(Column::name).toArray(String[]::new))
        .endsWith("layer", "reason", "noise");
    assertThat(
            bySpark(TensorRow.TABLE)
                .orderBy("run_id")
                .select("run_id", "amax", "noise")
                .collectAsList())
        .extracting(Row::mkString)
        .containsExactly("quantize-a3.51.0", "quantize-old3.5null");
    store().replace(TensorRow.TABLE, "quantize-old", List.of(row));
    assertThat(bySpark(TensorRow.TABLE).where("noise is null").count()).isZero();
  }

  /** Columns that came later, of this program's own history. */
  @Test
  void rowsOfBeforeAreRead() throws Exception {
    TrainStepRow step =
        new TrainStepRow("t", "cpu, fp32", 1, 2, 3.5, 1e-4, 0.5, 64, 1.5, List.of());
    appendWithout(List.of("device"), TrainStepRow.TABLE, step.toRow());
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
    appendWithout(List.of("int8_cut_off", "cache_amax"), CalibrationRow.TABLE, layer.toRow());
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
    List<Object> values = new ArrayList<>(shard("quantize-b", "a", 1));
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
    List<List<Object>> rows = List.of(shard("quantize-b", "b", 2));
    assertThatThrownBy(() -> store().append(ShardRow.TABLE, rows, "quantize-b", 2))
        .isInstanceOf(QuantException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> store().delete(ShardRow.TABLE, "quantize-b", row -> true))
        .hasMessage(message);
    assertThat(bySpark(ShardRow.TABLE).select("of_tomorrow").first().getString(0)).isEqualTo("x");
  }

  @Test
  void compactionLeavesOneFileAndEveryRow() throws Exception {
    for (int step = 1; step <= 3; step++) {
      store()
          .append(
              ShardRow.TABLE, List.of(shard("quantize-a", "a" + step, step)), "quantize-a", step);
    }
    store().append(ShardRow.TABLE, List.of(shard("quantize-b", "b", 1)), "quantize-b", 1);
    assertThat(store().filesByRun(ShardRow.TABLE))
        .isEqualTo(Map.of("quantize-a", 3L, "quantize-b", 1L));
    Instant before = Instant.now().minusSeconds(1);

    assertThat(store().compact(ShardRow.TABLE, "quantize-a")).isTrue();
    assertThat(store().compact(ShardRow.TABLE, "quantize-a")).isFalse();
    assertThat(store().compact(ShardRow.TABLE, "quantize-b")).isFalse();

    assertThat(store().filesByRun(ShardRow.TABLE))
        .isEqualTo(Map.of("quantize-a", 1L, "quantize-b", 1L));
    assertThat(filesBySpark()).containsExactly("a1", "a2", "a3", "b");
    assertThat(
            store().append(ShardRow.TABLE, List.of(shard("quantize-a", "a3", 3)), "quantize-a", 3))
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
    assertThat(filesBySpark()).containsExactly("a1", "a2", "a3", "b");
  }

  @Test
  void filesOfCommitsThatNeverCameAboutAreUnused() throws Exception {
    store().append(ShardRow.TABLE, List.of(shard("quantize-a", "a", 1)), "quantize-a", 1);
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

  @Test
  void columnsHaveTheirTypesAndComments() throws Exception {
    store().append(TensorRow.TABLE, List.of(tensor(Optional.empty())), "quantize-a", 1);
    assertThat(bySpark(TensorRow.TABLE).schema().fields())
        .extracting(StructField::name)
        .containsExactly(
            TensorRow.TABLE.columns().stream().map(Column::name).toArray(String[]::new));
    assertThat(bySpark(TensorRow.TABLE).schema().fields())
        .extracting(field -> field.getComment().get())
        .containsExactly(
            TensorRow.TABLE.columns().stream().map(Column::doc).toArray(String[]::new));
    assertThat(bySpark(TensorRow.TABLE).schema().apply("shape").dataType().simpleString())
        .isEqualTo("array<bigint>");
    assertThat(bySpark(TensorRow.TABLE).schema().apply("parts").dataType().simpleString())
        .isEqualTo("array<struct<name:string,begin:bigint,bytes:bigint,sha256:string>>");
  }

  @Test
  void sparkReadsTheValues() throws Exception {
    TensorStatistics statistics = new TensorStatistics(1000, 0, 3.5, 100, 1, 10, 0.25, 5);
    store().append(TensorRow.TABLE, List.of(tensor(Optional.of(statistics))), "quantize-a", 1);
    store().append(ShardRow.TABLE, List.of(shard("quantize-a", "a", 1)), "quantize-a", 1);
    Row tensor = bySpark(TensorRow.TABLE).first();
    assertThat(tensor.<String>getAs("run_id")).isEqualTo("quantize-a");
    assertThat(tensor.<Long>getAs("layer")).isNull();
    assertThat(tensor.<Double>getAs("amax")).isEqualTo(3.5);
    assertThat(tensor.<Long>getList(tensor.fieldIndex("shape"))).containsExactly(10L, 100L);
    assertThat(tensor.<Row>getList(tensor.fieldIndex("parts")))
        .extracting(Row::mkString)
        .containsExactly(
            "up.weight_packed64500" + "1".repeat(64), "up.weight_scale56420" + "2".repeat(64));
    Row shard = bySpark(ShardRow.TABLE).first();
    assertThat(shard.<Long>getAs("output_bytes")).isEqualTo(123_456_789_012L);
    assertThat(shard.<Integer>getAs("tensors")).isEqualTo(3);
    assertThat(shard.<java.sql.Timestamp>getAs("finished_at").toInstant())
        .isEqualTo(Instant.parse("2026-11-22T10:00:00.123456Z"));
  }

  @Test
  void readsWhatItWrote() throws Exception {
    List<Object> row = tensor(Optional.empty());
    store().append(TensorRow.TABLE, List.of(row), "quantize-a", 1);
    assertThat(store().read(TensorRow.TABLE, "quantize-a").get(0).values()).isEqualTo(row);
    assertThat(store().read(TensorRow.TABLE, "quantize-b")).isEmpty();
    assertThat(store().read(ShardRow.TABLE)).isEmpty();
  }

  @Test
  void aStepIsAppendedOnce() throws Exception {
    List<List<Object>> rows = List.of(shard("quantize-a", "a", 1));
    assertThat(store().append(ShardRow.TABLE, rows, "quantize-a", 1)).isTrue();
    assertThat(store().append(ShardRow.TABLE, rows, "quantize-a", 1)).isFalse();
    store().append(ShardRow.TABLE, List.of(shard("quantize-a", "b", 2)), "quantize-a", 2);
    store().append(ShardRow.TABLE, List.of(shard("quantize-a", "a", 1)), "quantize-a", 1);
    store().append(ShardRow.TABLE, List.of(shard("quantize-b", "c", 1)), "quantize-b", 1);
    assertThat(filesBySpark()).containsExactly("a", "b", "c");
    assertThat(store().lastStep(ShardRow.TABLE, "quantize-a")).isEqualTo(2);
    assertThat(store().lastStep(TensorRow.TABLE, "quantize-a")).isZero();
  }

  @Test
  void continuesATableThatSparkMade() throws Exception {
    spark
        .range(1)
        .selectExpr("'x' as output_file", "'quantize-x' as run_id", "'old' as attempt")
        .write()
        .format("delta")
        .partitionBy("run_id")
        .save(folder.resolve("shards").toString());
    TableRow row = store().read(ShardRow.TABLE).get(0);
    assertThat(row.text("attempt")).isEqualTo("old");
    assertThat(row.has("output_bytes")).isFalse();
  }

  @Test
  void deletesSomeRowsOfARun() throws Exception {
    store()
        .append(
            ShardRow.TABLE,
            List.of(shard("quantize-a", "a", 1), shard("quantize-a", "b", 1)),
            "quantize-a",
            1);
    store().append(ShardRow.TABLE, List.of(shard("quantize-b", "a", 1)), "quantize-b", 1);
    store().delete(ShardRow.TABLE, "quantize-a", row -> row.text("output_file").equals("a"));
    assertThat(filesBySpark()).containsExactly("a", "b");
    assertThat(store().read(ShardRow.TABLE, "quantize-a"))
        .extracting(row -> row.text("output_file"))
        .containsExactly("b");
    store().append(ShardRow.TABLE, List.of(shard("quantize-a", "c", 1)), "quantize-a", 1);
    assertThat(filesBySpark()).containsExactly("a", "b");
  }

  @Test
  void aRunHasOneRow() throws Exception {
    store().replaceRun(run("quantize-a", RunRow.Status.RUNNING));
    store().replaceRun(run("quantize-b", RunRow.Status.RUNNING));
    store().replaceRun(run("quantize-a", RunRow.Status.DONE));
    assertThat(bySpark(RunRow.TABLE).orderBy("run_id").select("run_id", "status").collectAsList())
        .extracting(Row::mkString)
        .containsExactly("quantize-adone", "quantize-brunning");
  }

  @Test
  void writersAtOnceLoseNothing() throws Exception {
    int writers = 3;
    int commits = 4;
    CountDownLatch start = new CountDownLatch(1);
    ExecutorService threads = Executors.newFixedThreadPool(writers);
    List<Future<Void>> results = new ArrayList<>();
    for (int writer = 0; writer < writers; writer++) {
      String run = "quantize-" + writer;
      Callable<Void> work =
          () -> {
            start.await();
            for (int step = 1; step <= commits; step++) {
              store().append(ShardRow.TABLE, List.of(shard(run, run + step, step)), run, step);
              store().replaceRun(run("same", RunRow.Status.RUNNING));
              store().compact(ShardRow.TABLE, "quantize-" + step % writers);
            }
            return null;
          };
      results.add(threads.submit(work));
    }
    start.countDown();
    for (Future<Void> result : results) {
      result.get();
    }
    threads.shutdown();
    assertThat(filesBySpark()).hasSize(writers * commits).doesNotHaveDuplicates();
    assertThat(bySpark(RunRow.TABLE).count()).isEqualTo(1);
    try (Stream<Path> log = Files.list(folder.resolve("shards/_delta_log"))) {
      assertThat(log.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.endsWith(".tmp"))
          .anyMatch(name -> name.endsWith(".checkpoint.parquet"));
    }
  }
}
