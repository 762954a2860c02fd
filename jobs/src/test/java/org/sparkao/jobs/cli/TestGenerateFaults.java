package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.generate.GenerateJob;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.spark.SparkParquetRows;

/** Processes that are killed while they sample: the rows in the end are the same. */
@Tag("faults")
class TestGenerateFaults {
  private static final Map<String, String> OPTIONS =
      Map.of(
          "samples", "192",
          "sequence-length", "60",
          "ignore-end", "true",
          "device", "cpu",
          "partitions", "24");

  @TempDir private Path temp;

  @Test
  void killedExecutorIsReplaced() throws Exception {
    Path model = BundledSample.copyCheckpointTo(temp.resolve("model"));
    RunningCommand command = start(model);
    command.await(() -> parts("out").size() > 0);
    command.killExecutor();

    assertThat(command.join()).as(command.log()).isZero();

    assertThat(command.log()).containsPattern("Lost executor \\d+ on");
    List<String> options = new ArrayList<>(List.of("checkpoint", model.toString()));
    options.addAll(List.of("output", temp.resolve("undisturbed").toString()));
    options.addAll(List.of("tables", temp.resolve("others").toString()));
    OPTIONS.forEach((key, value) -> options.addAll(List.of(key, value)));
    JobRun.of(new GenerateJob(), options.toArray(String[]::new));
    List<String> rows = rows("out");
    assertThat(rows).hasSize(192).doesNotHaveDuplicates();
    assertThat(rows).isEqualTo(rows("undisturbed"));
    assertThat(temp.resolve("out")).isDirectoryNotContaining("glob:**/_sparkao");
  }

  private RunningCommand start(Path model) throws IOException {
    List<String> args = new ArrayList<>(List.of("generate", "--checkpoint", model.toString()));
    args.addAll(List.of("--output", "out", "--tables", "tables"));
    OPTIONS.forEach((key, value) -> args.addAll(List.of("--set", key + "=" + value)));
    args.addAll(List.of("--master", "local-cluster[2,1,1024]"));
    args.addAll(List.of("--conf", "spark.ui.enabled=false"));
    args.addAll(RunningCommand.clusterSettings());
    return RunningCommand.start(temp.resolve("log.txt"), args.toArray(String[]::new));
  }

  private List<Path> parts(String output) {
    try (Stream<Path> files = Files.list(temp.resolve(output))) {
      return files.filter(file -> file.toString().endsWith(".parquet")).sorted().toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** Of the whole folder, as any reader of Parquet sees it. */
  private List<String> rows(String output) throws IOException {
    try (SparkSession spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .getOrCreate()) {
      return new SparkParquetRows(spark).json(temp.resolve(output)).stream().sorted().toList();
    }
  }
}
