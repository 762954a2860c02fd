package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigLayer;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.pack.BitPacking;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;

/** {@code quantize} with algorithms that look at the inputs of layers. */
class TestCalibratedQuantize {
  private static final int HIDDEN = 128;
  private static final int INNER = 256;
  private static final String Q = "model.layers.1.self_attn.q_proj";
  private static final String NORM = "model.layers.1.input_layernorm.weight";

  private static SparkLease spark;

  @TempDir Path temp;

  private final Command command = new Command();
  private Path source;

  @BeforeAll
  static void startSpark() {
    Map<String, List<String>> settings =
        Map.of("master", List.of("local[2]"), "conf", List.of("spark.ui.enabled=false"));
    spark =
        SparkLease.open(
            Config.resolve(CommonKeys.all(), List.of(new ConfigLayer("test", settings))), "test");
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @BeforeEach
  void writeSource() throws IOException {
    Map<String, List<Long>> shapes = new LinkedHashMap<>(Checkpoints.llama(2, HIDDEN, INNER));
    for (int i = 0; i < 2; i++) {
      shapes.put("model.layers." + i + ".post_attention_layernorm.weight", List.of((long) HIDDEN));
    }
    source = Checkpoints.write(temp.resolve("source"), shapes);
  }

  private Path calibration(boolean hessian) throws IOException {
    return new CalibrationFixture(source, 2, HIDDEN, INNER)
        .write(temp.resolve("calibration"), hessian);
  }

  /** The output of a layer is closer to what it was than under round to nearest. */
  @ParameterizedTest
  @CsvSource({"gptq, 0.5", "awq, 0.999", "imatrix, 0.99"})
  void outputsOfLayersAreCloser(String algorithm, double share) throws IOException {
    Path folder = calibration(true);
    Path plain = temp.resolve("rtn");
    quantize(plain, "rtn");
    Path output = temp.resolve(algorithm);
    quantize(output, algorithm, "--calibration", folder.toString());
    assertThat(outputError(output)).isPositive().isLessThan(share * outputError(plain));
    assertThat(TableReader.rows(temp.resolve("tables"), TensorRow.TABLE))
        .filteredOn(row -> row.text("tensor").equals(Q + ".weight"))
        .extracting(row -> row.text("algorithm"))
        .containsExactlyInAnyOrder("rtn", algorithm);
  }

  @Test
  void sameFilesForAnyNumberOfSlots() throws IOException {
    Path folder = calibration(true);
    Path one = temp.resolve("one");
    Path other = temp.resolve("other");
    quantize(one, "gptq", "--calibration", folder.toString(), "--max-shard-size", "1GB");
    quantize(other, "gptq", "--calibration", folder.toString(), "--max-shard-size", "30KB");
    Checkpoint whole = Checkpoint.open(LocalFiles.of(one));
    Checkpoint cut = Checkpoint.open(LocalFiles.of(other));
    assertThat(whole.shards()).hasSize(1);
    assertThat(cut.shards()).hasSizeGreaterThan(3);
    for (CheckpointTensor tensor : whole.tensors()) {
      String name = tensor.entry().name();
      assertThat(bytes(other, name)).as(name).isEqualTo(bytes(one, name));
    }
  }

  @Test
  void groupsThatFollowTheOrderAreStored() throws IOException {
    Path output = temp.resolve("output");
    assertThat(
            command.quantize(
                source,
                output,
                "--scheme",
                "W4A16(group_size=32)",
                "--algorithm",
                "gptq",
                "--act-order",
                "group",
                "--calibration",
                calibration(true).toString()))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    byte[] groups = bytes(output, Q + ".weight_g_idx");
    int[] count = new int[HIDDEN / 32];
    for (int j = 0; j < HIDDEN; j++) {
      count[groups[4 * j]]++;
    }
    assertThat(count).containsOnly(32);
    // Channel 3 has the largest inputs.
    assertThat(groups[4 * 3]).isZero();
    assertThat(Files.readString(output.resolve("config.json"))).contains("\"actorder\": \"group\"");
  }

  /** What makes the inputs is divided by what the columns are multiplied with. */
  @ParameterizedTest
  @ValueSource(strings = {"awq", "smoothquant"})
  void modelStaysWhatItWas(String algorithm) throws IOException {
    Path output = temp.resolve("output");
    String calibration = calibration(true).toString();
    assertThat(
            command.quantize(
                source,
                output,
                "--scheme",
                "W8A8",
                "--algorithm",
                algorithm,
                "--calibration",
                calibration))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    String mlp = "model.layers.1.mlp.";
    String norm = "model.layers.1.post_attention_layernorm.weight";
    float[] up = floats(source, mlp + "up_proj.weight");
    float[] upAfter = dequantized(output, mlp + "up_proj", HIDDEN);
    float[] down = floats(source, mlp + "down_proj.weight");
    float[] downAfter = dequantized(output, mlp + "down_proj", INNER);
    float[] before = floats(source, norm);
    float[] after = floats(output, norm);
    double worst = 0;
    double largestChange = 0;
    for (int j = 0; j < INNER; j++) {
      double change = 1 - Math.abs(downAfter[5 * INNER + j] / down[5 * INNER + j]);
      largestChange = Math.max(largestChange, Math.abs(change));
      for (int k = 0; k < HIDDEN; k++) {
        double expected = (double) down[5 * INNER + j] * up[j * HIDDEN + k] * before[k];
        double found = (double) downAfter[5 * INNER + j] * upAfter[j * HIDDEN + k] * after[k];
        worst = Math.max(worst, Math.abs(found - expected));
      }
    }
    assertThat(after).isNotEqualTo(before);
    assertThat(worst).isLessThan(0.05);
    // Only awq has scales between up and down.
    if (algorithm.equals("awq")) {
      assertThat(largestChange).isGreaterThan(0.5);
    }
  }

  @Test
  void momentsWithoutFactorAreNamedInTheTables() throws IOException {
    Path folder = calibration(true);
    spoil(folder.resolve("model.layers.1.safetensors"), Q + ".input.hessian");
    Path output = temp.resolve("output");
    quantize(output, "gptq", "--calibration", folder.toString());
    assertThat(TableReader.rows(temp.resolve("tables"), TensorRow.TABLE))
        .filteredOn(row -> row.text("tensor").equals(Q + ".weight"))
        .extracting(row -> row.text("reason"))
        .containsExactly("gptq: no Cholesky factor at any damping, rounded to nearest");
    String runId = TableReader.rows(temp.resolve("tables"), RunRow.TABLE).get(0).text("run_id");
    assertThat(command.run("describe", runId, "--tables", temp.resolve("tables").toString()))
        .isEqualTo(ExitCode.DONE);
    // q, k and v share the input.
    assertThat(command.out())
        .containsPattern(
            "Fell back\\R.*\\R.*gptq: no Cholesky factor at any damping, rounded to nearest +3 ");
  }

  @Test
  void pairsWithoutAFiniteLossAreNamedInTheTables() throws IOException {
    Path folder = calibration(true);
    spoil(folder.resolve("model.layers.1.safetensors"), Q + ".input.hessian");
    Path output = temp.resolve("output");
    quantize(output, "awq", "--calibration", folder.toString());
    String reason = "awq: no candidate has a finite loss, columns are not scaled";
    assertThat(TableReader.rows(temp.resolve("tables"), TensorRow.TABLE))
        .filteredOn(row -> row.findText("reason").filter(reason::equals).isPresent())
        .extracting(row -> row.text("tensor"))
        .containsExactlyInAnyOrder(
            Q + ".weight",
            Q.replace("q_proj", "k_proj") + ".weight",
            Q.replace("q_proj", "v_proj") + ".weight");
    assertThat(bytes(output, NORM)).isEqualTo(bytes(source, NORM));
  }

  @Test
  void calibrationOfAnotherCheckpoint() throws IOException {
    Path folder = calibration(true);
    Checkpoints.setToNan(source, "lm_head.weight");
    assertRefused(folder, "gptq", "is of another checkpoint", "calibrate this checkpoint");
    assertThat(temp.resolve("output")).doesNotExist();
  }

  @Test
  void calibrationOfAnotherShape() throws IOException {
    Path folder =
        new CalibrationFixture(source, 2, HIDDEN, 64).write(temp.resolve("calibration"), true);
    assertRefused(folder, "gptq", "has rows of 256, but", "saw inputs of 64");
  }

  @Test
  void calibrationOfFewerLayers() throws IOException {
    Path folder =
        new CalibrationFixture(source, 1, HIDDEN, INNER).write(temp.resolve("calibration"), true);
    assertRefused(folder, "imatrix", "7 modules were not calibrated: model.layers.1.", "--skip");
  }

  @Test
  void calibrationWithoutSecondMoments() throws IOException {
    assertRefused(
        calibration(false), "gptq", "has no second moments of inputs", "run calibrate again with");
  }

  @Test
  void statisticsThatAreNoNumbers() throws IOException {
    Path folder = calibration(true);
    spoil(folder.resolve("model.layers.1.safetensors"), Q + ".input.mean_square");
    assertRefused(folder, "imatrix", "channel 0 has mean square NaN", "calibrate again");
  }

  @Test
  void noCalibration() {
    assertThat(
            command.quantize(
                source, temp.resolve("output"), "--scheme", "W4A16", "--algorithm", "gptq"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            "algorithm gptq needs to know the inputs of linear layers: run calibrate with --hessian"
                + " and give its --output as --calibration");
  }

  private void assertRefused(Path folder, String algorithm, String... message) {
    ExitCode code =
        command.quantize(
            source,
            temp.resolve("output"),
            "--scheme",
            "W4A16",
            "--algorithm",
            algorithm,
            "--calibration",
            folder.toString());
    assertThat(code).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains(message);
  }

  private void quantize(Path output, String algorithm, String... more) {
    String[] args =
        Stream.concat(
                Stream.of("--scheme", "W4A16(granularity=row)", "--algorithm", algorithm),
                Stream.of(more))
            .toArray(String[]::new);
    assertThat(command.quantize(source, output, args)).as(command.err()).isEqualTo(ExitCode.DONE);
  }

  /** Squared error of what q makes of the norm's output, over all tokens. */
  private double outputError(Path output) throws IOException {
    float[] before = floats(source, Q + ".weight");
    float[] norm = floats(source, NORM);
    float[] normAfter = floats(output, NORM);
    float[] after = dequantized(output, Q, HIDDEN);
    float[] x = CalibrationFixture.inputs(Q, HIDDEN);
    double sum = 0;
    for (int t = 0; t < CalibrationFixture.TOKENS; t++) {
      for (int i = 0; i < HIDDEN; i++) {
        double error = 0;
        for (int j = 0; j < HIDDEN; j++) {
          float weight = after[i * HIDDEN + j] * normAfter[j] / norm[j];
          error += (weight - before[i * HIDDEN + j]) * x[t * HIDDEN + j];
        }
        sum += error * error;
      }
    }
    return sum;
  }

  private static float[] dequantized(Path folder, String module, int k) throws IOException {
    byte[] scales = bytes(folder, module + ".weight_scale");
    int n = scales.length / 2;
    boolean packed = Checkpoint.open(LocalFiles.of(folder)).tensor(module + ".weight").isEmpty();
    byte[] stored = bytes(folder, module + (packed ? ".weight_packed" : ".weight"));
    float[] weights = new float[n * k];
    byte[] codes = new byte[k];
    for (int i = 0; i < n; i++) {
      if (packed) {
        BitPacking.unpackRow(stored, i * k / 2, 4, 8, codes, k);
      } else {
        System.arraycopy(stored, i * k, codes, 0, k);
      }
      for (int j = 0; j < k; j++) {
        weights[i * k + j] = codes[j] * WeightType.BF16.read(scales, 2 * i);
      }
    }
    return weights;
  }

  private static float[] floats(Path folder, String name) throws IOException {
    byte[] stored = bytes(folder, name);
    float[] values = new float[stored.length / 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = WeightType.BF16.read(stored, 2 * i);
    }
    return values;
  }

  private static byte[] bytes(Path folder, String name) throws IOException {
    LocalFiles files = LocalFiles.of(folder);
    CheckpointTensor tensor = Checkpoint.open(files).tensor(name).orElseThrow();
    byte[] bytes = new byte[(int) tensor.entry().bytes()];
    try (ByteSource file = files.open(tensor.file())) {
      file.readFully(tensor.entry().begin(), bytes, 0, bytes.length);
    }
    return bytes;
  }

  /** Makes the first number of a tensor of fp32 NaN. */
  private static void spoil(Path file, String name) throws IOException {
    try (FileSource source = FileSource.open(file);
        RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw")) {
      long begin =
          SafetensorsHeader.read(source).entries().stream()
              .filter(entry -> entry.name().equals(name))
              .findFirst()
              .orElseThrow()
              .begin();
      content.seek(begin);
      content.writeInt(Integer.reverseBytes(Float.floatToRawIntBits(Float.NaN)));
    }
  }
}
