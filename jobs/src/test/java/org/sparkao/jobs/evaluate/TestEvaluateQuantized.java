package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.QuantizeJob;

/** Checkpoints that quantize writes, as evaluate reads them. */
class TestEvaluateQuantized {
  @TempDir private Path folder;

  /** The accuracies are those of transformers and of measure.py: MODEL_CARD.md of the sample. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "FP8_DYNAMIC | FP8_DYNAMIC: weights e4m3, activations e4m3 with a scale a row | 0.999",
        "W8A8 | W8A8: weights int8, activations int8 with a scale a row | 0.999",
        "W4A16(group_size=64) | weights int4, activations as they are | 0.968"
      })
  void rowsSayHowAndAnswersAreThoseOfTransformers(String scheme, String numerics, double accuracy)
      throws Exception {
    EvaluateFixture fixture = new EvaluateFixture(folder, new RecordingModels());
    Path output = folder.resolve("quantized");
    JobRun.of(
        new QuantizeJob(),
        "checkpoint",
        folder.resolve("model").toString(),
        "output",
        output.toString(),
        "tables",
        folder.resolve("quantize").toString(),
        "device",
        "cpu",
        "scheme",
        scheme);
    fixture.run(
        "t",
        "checkpoint",
        output.toString(),
        "tasks",
        "sample",
        "run-id",
        "r",
        "max-length",
        "512");
    assertThat(fixture.items("t", "r"))
        .hasSize(1000)
        .allSatisfy(row -> assertThat(row.key().numerics()).contains(numerics));
    assertThat(fixture.results("t", "r").get(0).metric()).isEqualTo("acc");
    assertThat(fixture.results("t", "r").get(0).value()).isCloseTo(accuracy, within(0.004));
  }
}
