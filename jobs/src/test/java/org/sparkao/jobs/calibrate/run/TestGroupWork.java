package org.sparkao.jobs.calibrate.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.jobs.calibrate.plan.CalibrateOptions;
import org.sparkao.jobs.calibrate.plan.Sequential;
import org.sparkao.jobs.evaluate.run.ModelForm;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.spark.TextStage;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.observe.InputObserver.Products;

/** A task on an executor that is not like the others. */
class TestGroupWork {
  @TempDir private Path folder;

  @Test
  void anExecutorThatComputesInAnotherWayIsRefused() throws IOException {
    Path model = BundledSample.copyCheckpointTo(folder.resolve("model"));
    Checkpoint checkpoint = Checkpoint.open(LocalFiles.of(model));
    ModelRequest request =
        new ModelRequest(
            checkpoint.location(),
            "",
            ModelRequest.filesOf(checkpoint),
            PlannedDevice.processor("a test"),
            ModelForm.of(Arithmetic.FP32),
            new ModelRequest.Capacity(4, 4, 0, ModelRequest.Decoding.OF_ITEMS));
    CalibrateOptions options =
        new CalibrateOptions(
            1, 4, 1, Products.NONE, CalibrateOptions.Cache.LEFT, 0, Sequential.NONE);
    Path output = folder.resolve("out");
    GroupWork work = new GroupWork(request, output.toString(), options, "another way");
    List<String> texts = new CopyOnWriteArrayList<>();
    try (SparkSession spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .getOrCreate()) {
      new TextStage(spark.sparkContext(), "test")
          .run(
              List.of(new GroupTask(0, 1, List.of(new int[] {5, 6, 7, 8}), 0, 1)),
              work,
              "test",
              texts::add);
    }
    assertThat(GroupOutcome.fromJson(texts.get(0)).refusal())
        .startsWith("executors compute differently, and a run has one way: another way; ")
        .contains(" on cpu ")
        .endsWith("; use executors of one kind");
    assertThat(output).doesNotExist();
  }
}
