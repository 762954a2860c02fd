package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** {@code quantize --sparsity}. */
class TestSparsity {
  private static final int HIDDEN = 128;
  private static final int INNER = 256;
  private static final String Q = "model.layers.0.self_attn.q_proj";

  @TempDir private static Path shared;
  private static SparkLease spark;
  private static Path source;
  private static Path calibration;
  private static Path pruned;

  @TempDir private Path temp;

  private final Command command = new Command();

  @BeforeAll
  static void start() throws IOException {
    spark = Command.spark(List.of());
    source = Checkpoints.write(shared.resolve("source"), Checkpoints.llama(1, HIDDEN, INNER));
    calibration =
        new CalibrationFixture(source, 1, HIDDEN, INNER).write(shared.resolve("calibration"), true);
    pruned = shared.resolve("pruned");
    Command first = new Command();
    assertThat(first.quantize(source, pruned, "--sparsity", "4:8"))
        .as(first.err())
        .isEqualTo(ExitCode.DONE);
  }

  @AfterAll
  static void stop() {
    spark.close();
  }

  private Map<String, Stored> quantize(Path from, String output, String... options)
      throws IOException {
    assertThat(command.quantize(from, temp.resolve(output), options))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    return Checkpoints.read(temp.resolve(output));
  }

  private static boolean linear(String tensor) {
    return tensor.endsWith("_proj.weight");
  }

  private static float[] floats(Stored tensor) {
    float[] values = new float[tensor.bytes().length / 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = WeightType.BF16.read(tensor.bytes(), 2 * i);
    }
    return values;
  }

  /** The two smallest of every four, as sorting finds them; all else is the source. */
  @Test
  void magnitudesAlone() throws IOException {
    Map<String, Stored> before = Checkpoints.read(source);
    Map<String, Stored> after = quantize(source, "out", "--sparsity", "2:4");

    assertThat(after.keySet()).isEqualTo(before.keySet());
    before.forEach(
        (name, tensor) -> {
          if (linear(name)) {
            assertThat(floats(after.get(name))).as(name).isEqualTo(smallestOfFour(floats(tensor)));
          } else {
            assertThat(after.get(name).bytes()).as(name).isEqualTo(tensor.bytes());
          }
        });
    assertThat(Files.readString(temp.resolve("out/config.json")))
        .doesNotContain("quantization_config");
    assertThat(command.out()).contains("zeros 2:4 by magnitude", "7 of 11 tensors are pruned; ");
    TableRow row = row();
    float[] weights = floats(before.get(Q + ".weight"));
    float[] kept = smallestOfFour(weights);
    double norm = Math.sqrt(squares(kept) / squares(weights));
    assertThat(row.text("sparsity")).isEqualTo("2:4 by magnitude");
    assertThat(row.findText("scheme")).isEmpty();
    assertThat(row.number("zeros")).isEqualTo(HIDDEN * HIDDEN / 2);
    assertThat(row.decimal("kept_norm")).isCloseTo(norm, within(1e-12));
    assertThat(row.decimal("sparsity_noise"))
        .isCloseTo(squares(weights) - squares(kept), within(1e-6));
  }

  private TableRow row() throws IOException {
    return TableReader.rows(temp.resolve("tables"), TensorRow.TABLE).stream()
        .filter(one -> one.text("tensor").equals(Q + ".weight"))
        .findFirst()
        .orElseThrow();
  }

  private static double squares(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return sum;
  }

  private static float[] smallestOfFour(float[] weights) {
    float[] kept = weights.clone();
    for (int begin = 0; begin < kept.length; begin += 4) {
      int first = begin;
      IntStream.range(first, first + 4)
          .boxed()
          .sorted((a, b) -> Float.compare(Math.abs(weights[a]), Math.abs(weights[b])))
          .limit(2)
          .forEach(i -> kept[i] = 0);
    }
    return kept;
  }

  static List<String> schemes() {
    return Schemes.all().stream()
        .filter(scheme -> !scheme.needsInputScales())
        .map(QuantScheme::name)
        .toList();
  }

  /** Codes of a weight with zeros are those of the same weight that had them before. */
  @ParameterizedTest
  @MethodSource("schemes")
  void withEveryScheme(String scheme) throws IOException {
    Map<String, Stored> twice = quantize(pruned, "twice", "--scheme", scheme);
    Map<String, Stored> once = quantize(source, "once", "--sparsity", "4:8", "--scheme", scheme);
    assertThat(once.keySet()).isEqualTo(twice.keySet());
    twice.forEach(
        (name, tensor) -> assertThat(once.get(name).bytes()).as(name).isEqualTo(tensor.bytes()));
  }

  /** What a layer puts out is changed the less, the more is known of its inputs. */
  @ParameterizedTest
  @ValueSource(strings = {"2:4", "4:8", "0.5"})
  void knowledgeOfInputsHelps(String pattern) throws IOException {
    List<Double> errors = new ArrayList<>();
    for (String algorithm : List.of("magnitude", "wanda", "sparsegpt")) {
      List<String> options = new ArrayList<>(List.of("--sparsity", pattern));
      options.addAll(List.of("--sparsity-algorithm", algorithm, "--max-shard-size", "100KB"));
      if (!algorithm.equals("magnitude")) {
        options.addAll(List.of("--calibration", calibration.toString()));
      }
      Map<String, Stored> after = quantize(source, algorithm, options.toArray(String[]::new));
      float[] weights = floats(after.get(Q + ".weight"));
      long zeros = IntStream.range(0, weights.length).filter(i -> weights[i] == 0).count();
      // Of a share, sparsegpt takes one more, and what is equal to it.
      assertThat(zeros).isBetween(HIDDEN * HIDDEN / 2L, HIDDEN * HIDDEN / 2L + 8);
      errors.add(outputError(weights));
    }
    assertThat(errors.get(1)).isLessThan(0.9 * errors.get(0));
    assertThat(errors.get(2)).isLessThan(0.5 * errors.get(1));
  }

  /** Sum of squared differences of outputs, by the definition. */
  private static double outputError(float[] after) throws IOException {
    float[] before = floats(Checkpoints.read(source).get(Q + ".weight"));
    float[] products = CalibrationFixture.products(CalibrationFixture.inputs(Q, HIDDEN), HIDDEN);
    double sum = 0;
    for (int row = 0; row < HIDDEN; row++) {
      for (int i = 0; i < HIDDEN; i++) {
        for (int j = 0; j < HIDDEN; j++) {
          double left = after[row * HIDDEN + i] - before[row * HIDDEN + i];
          double right = after[row * HIDDEN + j] - before[row * HIDDEN + j];
          sum += left * products[i * HIDDEN + j] * right;
        }
      }
    }
    return sum;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--sparsity 3:5 | use none, 2:4, 4:8, or a share between 0 and 1, such as 0.5",
        "--sparsity 1.5 | use none, 2:4, 4:8, or a share",
        "--sparsity 2:4 --sparsity-algorithm wanda | run calibrate and give its --output",
        "--sparsity 2:4 --sparsity-algorithm sparsegpt | run calibrate with --hessian",
        "--sparsity 2:4 --scheme W4A16 --algorithm gptq | zeros would not stay; use --algorithm rtn",
      })
  void isRefused(String options, String said) throws IOException {
    assertThat(command.quantize(source, temp.resolve("out"), options.split(" ")))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains(said);
    assertThat(temp.resolve("out")).doesNotExist();
  }

  @Test
  void columnsThatGroupsDoNotDivideAreRefused() throws IOException {
    Map<String, List<Long>> shapes = new LinkedHashMap<>(Checkpoints.llama(1, HIDDEN, INNER));
    shapes.put(Q + ".weight", List.of(128L, 126L));
    Path odd = Checkpoints.write(temp.resolve("odd"), shapes);
    String[] options = {"--sparsity", "2:4"};
    assertThat(command.quantize(odd, temp.resolve("out"), options)).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            Q
                + ".weight in model.safetensors: rows of 126 weights are not multiples of 4"
                + " (--sparsity 2:4); use a share such as --sparsity 0.5, or --skip the module");
    String[] skipping = {"--sparsity", "2:4", "--skip", "q_proj"};
    assertThat(command.quantize(odd, temp.resolve("out"), skipping))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(Checkpoints.read(temp.resolve("out")).get(Q + ".weight").bytes())
        .isEqualTo(Checkpoints.read(odd).get(Q + ".weight").bytes());
  }
}
