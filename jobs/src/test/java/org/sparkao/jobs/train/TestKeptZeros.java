package org.sparkao.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.checkpoint.WeightReader;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.checkpoint.WeightSources;
import org.sparkao.quant.format.WeightType;

/** {@code train --keep-zeros} of a sparse checkpoint. */
class TestKeptZeros {
  private static final String TENSOR = "model.layers.1.mlp.up_proj.weight";

  @TempDir private static Path shared;
  private static SparkLease spark;
  private static Path sparse;

  @TempDir private Path temp;

  @BeforeAll
  static void prune() throws Exception {
    spark = SparkLease.open(JobRun.config(new TrainJob()), "test");
    Path model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    sparse = shared.resolve("sparse");
    List<String> options = new ArrayList<>(List.of("checkpoint", model.toString()));
    options.addAll(List.of("output", sparse.toString(), "sparsity", "2:4"));
    options.addAll(List.of("tables", shared.resolve("tables").toString()));
    JobRun.of(new QuantizeJob(), options.toArray(String[]::new));
  }

  @AfterAll
  static void stop() {
    spark.close();
  }

  /** Zeros are where they were, and most other weights have moved. */
  @ParameterizedTest
  @ValueSource(strings = {"model", "block"})
  void zerosAreKeptWhereAskedFor(String mode) throws Exception {
    float[] kept = floats(train("kept", mode, "keep-zeros", "true"));
    float[] filled = floats(train("filled", mode));

    float[] before = floats(sparse);
    assertZerosStayed(before, kept);
    assertThat(zeros(filled)).isLessThan(before.length / 10);
  }

  /** Means over workers, moved with momentum, are zero where all have zeros. */
  @Test
  void averagesOfWorkersKeepZeros() throws Exception {
    List<String> workers = new ArrayList<>(List.of("keep-zeros", "true", "workers", "2"));
    workers.addAll(List.of("local-steps", "3"));
    workers.addAll(List.of("outer-learning-rate", "0.7", "outer-momentum", "0.9"));
    float[] kept = floats(train("averaged", "model", workers.toArray(String[]::new)));
    assertZerosStayed(floats(sparse), kept);
  }

  private static void assertZerosStayed(float[] before, float[] kept) {
    int moved = 0;
    for (int i = 0; i < before.length; i++) {
      assertThat(kept[i] == 0).isEqualTo(before[i] == 0);
      moved += kept[i] == before[i] ? 0 : 1;
    }
    assertThat(zeros(kept)).isEqualTo(before.length / 2);
    assertThat(moved).isGreaterThan(before.length / 5);
  }

  private Path train(String name, String mode, String... more) throws Exception {
    Path text =
        Files.writeString(temp.resolve("text.txt"), String.join("\n", BundledSample.heldOutText()));
    Path output = temp.resolve(name);
    List<String> options = new ArrayList<>(List.of("checkpoint", sparse.toString()));
    options.addAll(List.of("data", text.toString(), "output", output.toString()));
    options.addAll(List.of("tables", temp.resolve("tables").toString(), "mode", mode));
    options.addAll(List.of("scheme", "W4A16(group_size=128)", "learning-rate", "3e-4"));
    options.addAll(List.of("steps", "3", "batch-sequences", "2", "samples", "8"));
    options.addAll(List.of("sequence-length", "32"));
    options.addAll(List.of(more));
    JobRun run = JobRun.of(new TrainJob(), options.toArray(String[]::new));
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    return output;
  }

  private static long zeros(float[] values) {
    return IntStream.range(0, values.length).filter(i -> values[i] == 0).count();
  }

  private static float[] floats(Path folder) throws IOException {
    LocalFiles files = LocalFiles.of(folder);
    WeightSource weight = new WeightSources(Checkpoint.open(files)).weight(TENSOR);
    WeightType type = WeightType.valueOf(weight.dtype().name());
    float[] values = new float[(int) (weight.rows() * weight.columns())];
    byte[] bytes = new byte[values.length * type.bytes()];
    try (WeightReader reader = WeightReader.open(files, weight)) {
      reader.readRows(0, (int) weight.rows(), bytes, 0);
    }
    for (int i = 0; i < values.length; i++) {
      values[i] = type.read(bytes, i * type.bytes());
    }
    return values;
  }
}
