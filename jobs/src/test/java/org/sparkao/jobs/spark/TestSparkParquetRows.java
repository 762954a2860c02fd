package org.sparkao.jobs.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

  /**
   * Under parquet-data lie the documents of datasets' TestHarnessPrompts, written by pyarrow 26
   * with the columns of the published files. The hashes are the same as there, of the requests that
   * lm_eval 0.4.13 makes with five examples.
   */
  @ParameterizedTest
  @CsvSource({
    "arc_challenge, 83b9a8463579487e26e4a9786995954ebb26230b8be3ec61c9157ffb5e68855f",
    "gsm8k, 5ff64e2d986273c5500188bc68a7c9c1dd96f444eecd8e704167830f36e64381",
    "mmlu, 1e66551fa795785e496b85792dab323978a670796205ce7851f966d16659c19f",
    "winogrande, 03e740ffe6c6000fe4b200b68264470038fff9445e353652122d9a8aba8864e3"
  })
  void publishedFilesMakeTheHarnessesPrompts(String task, String sha256) throws Exception {
    Path data = Path.of(getClass().getResource("/parquet-data").toURI());
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    EvalTasks.named(task)
        .items(
            DataFolder.of(data).withParquet(new SparkParquetRows(spark)),
            ItemOptions.ofTask().withFewshot(5))
        .stream()
        .flatMap(item -> item.requests().stream())
        .forEach(request -> digest.update(request.hash().getBytes(StandardCharsets.UTF_8)));
    assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(sha256);
  }

  @Test
  void whatIsNoParquetNamesTheFile() throws IOException {
    Path file = Files.writeString(folder.resolve("x.parquet"), "PAR1");
    assertThatThrownBy(() -> new SparkParquetRows(spark).json(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("x.parquet");
  }
}
