package org.sparkao.jobs.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.task.DataFolder;
import org.sparkao.datasets.task.EvalTasks;
import org.sparkao.datasets.task.EvaluationItem;
import org.sparkao.datasets.task.ItemOptions;

/** Items of Parquet are those of the same rows as JSON lines. */
class TestSparkParquetRows {
  private static final List<String> LINES =
      List.of(
          "{\"id\":\"a\",\"question\":\"q\",\"choices\":{\"text\":[\"x\",\"y\"],\"label\":[\"A\",\"B\"]},"
              + "\"answerKey\":\"B\",\"note\":null}",
          "{\"id\":\"b\",\"question\":\"\u00e9 \ud83d\ude00 \\\"r\\\"\",\"choices\":{\"text\":[\"u\",\"v\",\"w\"],"
              + "\"label\":[\"1\",\"2\",\"3\"]},\"answerKey\":\"1\",\"note\":7}");

  private static SparkSession spark;

  @TempDir private Path folder;

  @BeforeAll
  static void startSpark() {
    spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .getOrCreate();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  @Test
  void rowsAreTheLines() throws IOException {
    Path data = Files.createDirectories(folder.resolve("arc/ARC-Easy"));
    Files.write(data.resolve("test.jsonl"), LINES);
    List<EvaluationItem> lines = EvalTasks.named("arc_easy").items(folder);
    Path written = folder.resolve("written");
    spark
        .read()
        .json(spark.createDataset(LINES, Encoders.STRING()))
        .coalesce(1)
        .write()
        .parquet(written.toUri().toString());
    try (Stream<Path> files = Files.list(written)) {
      Path part = files.filter(file -> file.toString().endsWith(".parquet")).findFirst().get();
      Files.copy(part, data.resolve("test-00000-of-00001.parquet"));
    }
    DataFolder parquet = DataFolder.of(folder).withParquet(new SparkParquetRows(spark));
    assertThat(EvalTasks.named("arc_easy").items(parquet, ItemOptions.ofTask())).isEqualTo(lines);
  }

  @Test
  void whatIsNoParquetNamesTheFile() throws IOException {
    Path file = Files.writeString(folder.resolve("x.parquet"), "PAR1");
    assertThatThrownBy(() -> new SparkParquetRows(spark).json(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("x.parquet");
  }
}
