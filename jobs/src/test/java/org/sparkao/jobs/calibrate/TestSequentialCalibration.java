package org.sparkao.jobs.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.calibration.CalibrationInfo.Block;
import org.sparkao.quant.calibration.CalibrationInfo.Input;

/** The bundled sample, and a mixture of random weights, quantized while they are calibrated. */
class TestSequentialCalibration {
  private static final String[] SMALL = {
    "samples", "9", "sequence-length", "40", "kv-cache", "true", "groups", "7"
  };
  private static final String[] SCHEME = {"sequential", "W4A16(granularity=row)"};

  @TempDir private static Path shared;
  private static Path model;
  private static Path text;
  private static Path alone;
  private static SparkLease spark;

  @TempDir private Path temp;

  @BeforeAll
  static void calibrateInOneTask() throws Exception {
    model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    text = CalibrateFixture.text(shared);
    alone = shared.resolve("alone");
    spark = SparkLease.open(JobRun.config(new CalibrateJob(), "master", "local[7]"), "test");
    JobRun run = CalibrateFixture.run(model, text, alone, with(SMALL, SCHEME));
    assertThat(run.out()).contains("quantized on the way: gptq, W4A16", "is done");
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @Test
  void partitionsChangeNoBit() throws Exception {
    Path output = temp.resolve("out");
    CalibrateFixture.run(model, text, output, with(with(SMALL, SCHEME), "partitions", "7"));
    assertThat(CalibrateFixture.content(output)).isEqualTo(CalibrateFixture.content(alone));
  }

  /**
   * The quantized checkpoint reads what its layers were calibrated with: calibrating it as it is
   * gives the same second moments, which no other order of quantizing and propagating does.
   */
  @Test
  void layersWereCalibratedWithWhatTheQuantizedModelGives() throws Exception {
    Path quantized = temp.resolve("quantized");
    quantize(model, quantized, alone, "W4A16(granularity=row)");
    Path again = temp.resolve("again");
    CalibrateFixture.run(quantized, text, again, with(SMALL, "hessian", "true"));
    assertSameInputs(alone, again);
    Path plain = temp.resolve("plain");
    CalibrateFixture.run(model, text, plain, with(SMALL, "hessian", "true"));
    String last = "model.layers.4.mlp.down_proj";
    assertThat(CalibrateFixture.open(plain).hessian(last))
        .isNotEqualTo(CalibrateFixture.open(alone).hessian(last));
  }

  private static void assertSameInputs(Path expected, Path actual) throws Exception {
    Calibration one = CalibrateFixture.open(expected);
    Calibration other = CalibrateFixture.open(actual);
    int inputs = 0;
    for (Block block : one.info().blocks()) {
      for (Input input : block.inputs()) {
        String module = input.modules().get(0);
        assertThat(other.hessian(module)).as(module).isEqualTo(one.hessian(module));
        assertThat(other.input(module).max()).as(module).isEqualTo(one.input(module).max());
        inputs++;
      }
      assertThat(other.cache(block.name()).key()).isEqualTo(one.cache(block.name()).key());
      assertThat(other.cache(block.name()).value()).isEqualTo(one.cache(block.name()).value());
    }
    assertThat(inputs).isEqualTo(4 * one.info().blocks().size());
  }

  /**
   * Experts read what the router of a model with quantized attention sends them; groups follow the
   * order of the columns.
   */
  @Test
  void expertsAreQuantizedTogether() throws Exception {
    Path mixture = CalibrateFixture.mixture(temp);
    String[] options = {"samples", "8", "sequence-length", "32", "expert-tokens", "100"};
    Path one = temp.resolve("one");
    String scheme = "W4A16(group_size=16)";
    String[] sequential = with(options, "sequential", scheme, "act-order", "group");
    CalibrateFixture.run(mixture, text, one, sequential);
    Path other = temp.resolve("other");
    CalibrateFixture.run(mixture, text, other, with(sequential, "partitions", "3"));
    assertThat(CalibrateFixture.content(other)).isEqualTo(CalibrateFixture.content(one));
    Path quantized = temp.resolve("quantized");
    quantize(mixture, quantized, one, scheme, "act-order", "group");
    Path again = temp.resolve("again");
    CalibrateFixture.run(quantized, text, again, with(options, "hessian", "true"));
    String gate = "model.layers.1.block_sparse_moe.gate";
    String query = "model.layers.1.self_attn.q_proj";
    for (String module : List.of(gate, query)) {
      assertThat(CalibrateFixture.open(again).hessian(module))
          .isEqualTo(CalibrateFixture.open(one).hessian(module));
    }
  }

  @Test
  void quantizeTakesTheSameRecipeAlone() {
    assertThatThrownBy(() -> quantize(model, temp.resolve("no"), alone, "W4A16(group_size=16)"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("was made by calibrate --sequential for gptq, W4A16")
        .hasMessageContaining("give quantize the same scheme, rules and options of gptq");
    assertThatThrownBy(
            () ->
                quantize(
                    model,
                    temp.resolve("no"),
                    alone,
                    "W4A16(granularity=row)",
                    "skip",
                    "layers.3.mlp"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("35 layers")
        .hasMessageContaining("32 layers");
    assertThatThrownBy(
            () ->
                quantize(
                    model,
                    temp.resolve("no"),
                    alone,
                    "W4A16(granularity=row)",
                    "algorithm",
                    "imatrix"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("what is asked for is algorithm imatrix");
    assertThat(temp.resolve("no")).doesNotExist();
  }

  @Test
  void refusals() throws Exception {
    Path output = temp.resolve("out");
    assertThatThrownBy(() -> CalibrateFixture.run(model, text, output, "damping", "0.1"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("--damping says how --sequential quantizes");
    assertThatThrownBy(
            () -> CalibrateFixture.run(model, text, output, "sequential", "W4A16(group_size=96)"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("are not multiples of group size 96");
    assertThatThrownBy(
            () ->
                CalibrateFixture.run(
                    model, text, output, "sequential", "W4A16(granularity=row)", "skip", "."))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("nothing would be quantized");
    Path rounded = temp.resolve("rounded");
    quantize(model, rounded, alone, "W4A16(granularity=row)");
    assertThatThrownBy(() -> CalibrateFixture.run(rounded, text, output, "sequential", "W8A16"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("is quantized already")
        .hasMessageContaining("--sequential quantizes the full-precision checkpoint");
    assertThat(output).doesNotExist();
  }

  private static void quantize(
      Path source, Path output, Path calibration, String scheme, String... options)
      throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                "checkpoint", source.toString(), "output", output.toString(), "scheme", scheme));
    all.addAll(List.of("calibration", calibration.toString(), "device", "cpu"));
    all.addAll(List.of("tables", output.resolveSibling("tables").toString()));
    if (!Arrays.asList(options).contains("algorithm")) {
      all.addAll(List.of("algorithm", "gptq"));
    }
    all.addAll(List.of(options));
    JobRun.of(new QuantizeJob(), all.toArray(String[]::new));
  }

  private static String[] with(String[] options, String... more) {
    String[] all = Arrays.copyOf(options, options.length + more.length);
    System.arraycopy(more, 0, all, options.length, more.length);
    return all;
  }
}
