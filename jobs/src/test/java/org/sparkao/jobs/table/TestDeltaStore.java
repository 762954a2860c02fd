package org.sparkao.jobs.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

  static List<Object> shard(String run, String file, long step) {
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

  @Test
  void anOlderTableGetsTheColumnsThatItLacks() throws Exception {
    List<Object> row = tensor(Optional.of(new TensorStatistics(1000, 0, 3.5, 100, 1, 10, 0.25, 5)));
    OlderTable.append(store(), TensorRow.TABLE, List.of("noise", "layer", "reason"), row);
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
