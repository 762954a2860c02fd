package org.sparkao.quant.calibrated;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.RowRounding;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.AwqSearch.Candidate;
import org.sparkao.quant.calibrated.AwqSearch.DuoScaling;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** SmoothQuant and AWQ of llm-compressor on a norm (64), gate and up (128), and down. */
class TestGoldenSmoothing {
  private static final int TOKENS = 36;
  private static final int HIDDEN = 64;
  private static final int INNER = 128;

  @ParameterizedTest
  @CsvSource({"smoothquant_0.5, 0.5", "smoothquant_0.8, 0.8"})
  void scalesOfSmoothQuant(String name, double strength) {
    Map<String, Tensor> file = file("smoothquant");
    float[] min = floats(file.get(name + ".act_min"));
    float[] max = floats(file.get(name + ".act_max"));
    float[] amax = new float[HIDDEN];
    for (String layer : List.of("gate", "up")) {
      float[] weight = floats(file.get("before.mlp." + layer + "_proj.weight"));
      for (int i = 0; i < weight.length; i++) {
        amax[i % HIDDEN] = Math.max(amax[i % HIDDEN], Math.abs(weight[i]));
      }
    }
    float[] scales = SmoothQuant.scales(min, max, amax, strength);
    assertClose(scales, floats(file.get(name + ".scales")), 1e-6);
  }

  @Test
  void columnsWithoutWeightsTakeTheRangeOfTheInputs() {
    float[] min = {-3, 0};
    float[] max = {1, 0};
    assertThat(SmoothQuant.scales(min, max, new float[] {0, 0}, 0.5)).containsExactly(4, 1e-5f);
  }

  /**
   * In symmetric cases the smallest weight of a group lies on the tie of -7.5, and an ulp of its
   * scale decides between -8 and -7: single losses move by some per cent there, and so may the best
   * of two that are nearly equal. The asymmetric case has no such ties.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "duo_g32 | W4A16(group_size=32) | ON | 0.025",
        "noduo_g32_asym | W4A16_ASYM(group_size=32) | OFF | 0.0001",
        "both_channel | W4A16(granularity=row) | BOTH | 0.025",
      })
  void searchesOfAwq(String name, String scheme, DuoScaling duo, double tolerance)
      throws IOException {
    Map<String, Tensor> file = file("awq");
    JsonNode json =
        new ObjectMapper()
            .readTree(GoldenFile.folder().resolve("algorithms/awq.json").toFile())
            .get(name);
    GoldenBlock block = new GoldenBlock(file);
    // Norm to gate and up: the parent is the whole block.
    float[] inputs = block.normed();
    // The golden means are searched with: an ulp of a scale decides on which side of a tie it is.
    float[] inputMean = floats(file.get(name + ".norm.x_mean"));
    assertClose(means(inputs, HIDDEN), inputMean, 1e-5);
    float[] full = block.output(inputs, block.gate, block.up);
    AwqSearch.Found first =
        AwqSearch.search(
            duo,
            inputMean,
            weightMeans(file, name + ".norm", scheme, HIDDEN, block.gate, block.up),
            scales -> {
              float[] gate = rounded(scheme, HIDDEN, block.gate, scales);
              float[] up = rounded(scheme, HIDDEN, block.up, scales);
              return error(block.output(inputs, gate, up), full);
            });
    double[] bestOfNorm = doubles(file.get(name + ".norm.best_scales"));
    Candidate chosen = check(json.get("losses").get(0), duo, first, tolerance);
    double[] weightMean = weightMeans(file, name + ".norm", scheme, HIDDEN, block.gate, block.up);
    assertClose(narrow(AwqSearch.scales(chosen, inputMean, weightMean)), bestOfNorm, 1e-5);
    block.smoothNorm(bestOfNorm);
    // Up to down: the parent is down itself.
    float[] products = block.products(block.normed(), block.gate, block.up);
    float[] productMean = floats(file.get(name + ".mlp.up_proj.x_mean"));
    assertClose(means(products, INNER), productMean, 1e-4);
    float[] output = GoldenBlock.linear(products, block.down, INNER, HIDDEN);
    AwqSearch.Found second =
        AwqSearch.search(
            duo,
            productMean,
            weightMeans(file, name + ".mlp.up_proj", scheme, INNER, block.down),
            scales -> {
              float[] down = rounded(scheme, INNER, block.down, scales);
              return error(GoldenBlock.linear(products, down, INNER, HIDDEN), output);
            });
    Candidate ofUp = check(json.get("losses").get(1), duo, second, tolerance);
    double[] meanOfDown = weightMeans(file, name + ".mlp.up_proj", scheme, INNER, block.down);
    assertClose(
        narrow(AwqSearch.scales(ofUp, productMean, meanOfDown)),
        doubles(file.get(name + ".mlp.up_proj.best_scales")),
        1e-5);
  }

  /** Gives the candidate that the reference chose. */
  private static Candidate check(
      JsonNode losses, DuoScaling duo, AwqSearch.Found found, double tolerance) {
    assertThat(found.losses()).hasSize(losses.size());
    int best = 0;
    for (int i = 0; i < losses.size(); i++) {
      double expected = losses.get(i).doubleValue();
      assertThat(found.losses().get(i))
          .as("candidate %d", i)
          .isCloseTo(expected, within(tolerance * expected));
      best = expected < losses.get(best).doubleValue() ? i : best;
    }
    Candidate chosen = AwqSearch.grid(duo).get(best);
    if (tolerance < 1e-3) {
      assertThat(found.best()).contains(chosen);
    }
    return chosen;
  }

  @Test
  void withoutAFiniteLossNothingIsScaled() throws IOException {
    float[] inputMean = {1, 2, 4};
    double[] weightMean = {0.1, 0.2, 0.3};
    AwqSearch.Found found =
        AwqSearch.search(DuoScaling.ON, inputMean, weightMean, scales -> Double.NaN);
    assertThat(found.best()).isEmpty();
    assertThat(found.scales()).containsExactly(1, 1, 1);
    assertThat(found.losses()).hasSize(20).containsOnly(Double.NaN);
  }

  /** The error from the moments of the inputs is that of the outputs. */
  @Test
  void outputErrorFromMoments() {
    GoldenBlock block = new GoldenBlock(file("awq"));
    float[] x = block.products(block.normed(), block.gate, block.up);
    float[] h = new float[INNER * INNER];
    for (int i = 0; i < h.length; i++) {
      double sum = 0;
      for (int t = 0; t < TOKENS; t++) {
        sum += (double) x[t * INNER + i / INNER] * x[t * INNER + i % INNER];
      }
      h[i] = (float) (sum / TOKENS);
    }
    float[] change = block.down.clone();
    float[] y = GoldenBlock.linear(x, change, INNER, HIDDEN);
    double expected = 0;
    for (float value : y) {
      expected += (double) value * value / TOKENS;
    }
    double found = new OutputError(SecondMoments.of(h, INNER)).of(change, HIDDEN);
    assertThat(found).isCloseTo(expected, within(1e-5 * expected));
  }

  private static double[] weightMeans(
      Map<String, Tensor> file, String name, String scheme, int k, float[]... layers) {
    WeightMeans means = new WeightMeans(k);
    for (float[] weight : layers) {
      means.add(weight, weight.length / k, rounding(scheme, weight.length / k, k).groupColumns());
    }
    if (!file.containsKey(name + ".w_mean")) {
      return means.means();
    }
    double[] golden = doubles(file.get(name + ".w_mean"));
    assertClose(narrow(means.means()), golden, 1e-5);
    return golden;
  }

  private static RowRounding rounding(String scheme, int n, int k) {
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse(scheme),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(n, k, DType.F32));
    return Quantizers.rounding(request, RangeChoice.of(Optional.empty()));
  }

  /** Q(W s) / s. */
  private static float[] rounded(String scheme, int k, float[] weight, double[] scales) {
    float[] values = weight.clone();
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] * scales[i % k]);
    }
    rounding(scheme, values.length / k, k).round(values, values.length / k);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] / scales[i % k]);
    }
    return values;
  }

  private static float[] narrow(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }

  private static double error(float[] actual, float[] expected) {
    double sum = 0;
    for (int i = 0; i < actual.length; i++) {
      double difference = (double) actual[i] - expected[i];
      sum += difference * difference;
    }
    return sum / actual.length;
  }

  private static float[] means(float[] x, int k) {
    double[] sums = new double[k];
    for (int i = 0; i < x.length; i++) {
      sums[i % k] += Math.abs(x[i]);
    }
    float[] means = new float[k];
    for (int j = 0; j < k; j++) {
      means[j] = (float) (sums[j] / TOKENS);
    }
    return means;
  }

  private static void assertClose(float[] actual, float[] expected, double relative) {
    double[] wide = new double[expected.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = expected[i];
    }
    assertClose(actual, wide, relative);
  }

  private static void assertClose(float[] actual, double[] expected, double relative) {
    assertThat(actual).hasSize(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("element %d", i)
          .isCloseTo(expected[i], within(relative * Math.abs(expected[i])));
    }
  }

  private static Map<String, Tensor> file(String name) {
    return GoldenFile.read(
        GoldenFile.folder().resolve(Path.of("algorithms", name + ".safetensors")));
  }

  static float[] floats(Tensor tensor) {
    float[] values = new float[tensor.bytes().length / Float.BYTES];
    ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private static double[] doubles(Tensor tensor) {
    if (tensor.dtype() == DType.F32) {
      float[] narrow = floats(tensor);
      double[] values = new double[narrow.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = narrow[i];
      }
      return values;
    }
    double[] values = new double[tensor.bytes().length / Double.BYTES];
    ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
    return values;
  }
}
