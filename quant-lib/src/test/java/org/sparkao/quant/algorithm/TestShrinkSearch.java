package org.sparkao.quant.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.observe.MovingAverageRange;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.Schemes;

/** The line searches of llm-compressor's weight observers, against their ranges. */
class TestShrinkSearch {
  private static final Map<String, String> SCHEMES =
      Map.of(
          "int4_g32_sym", "W4A16(group_size=32)",
          "int4_g128_asym", "W4A16_ASYM",
          "int8_channel_sym", "W8A8",
          "fp8_channel", "FP8_DYNAMIC",
          "fp8_tensor", "FP8",
          "nvfp4", "NVFP4A16");

  @ParameterizedTest
  @CsvSource({
    "memoryless_minmax,int4_g32_sym",
    "memoryless_minmax,int4_g128_asym",
    "memoryless_minmax,int8_channel_sym",
    "memoryless_minmax,fp8_channel",
    "memoryless_minmax,fp8_tensor",
    "memoryless_minmax,nvfp4",
    "memoryless_mse,int4_g32_sym",
    "memoryless_mse,int4_g128_asym",
    "memoryless_mse,int8_channel_sym",
    "memoryless_mse,fp8_channel",
    "memoryless_mse,fp8_tensor",
    "memoryless_mse,nvfp4",
    "nvfp4_expanded_mse,nvfp4",
    "imatrix_mse,int4_g32_sym",
    "imatrix_mse,int4_g128_asym",
    "imatrix_mse,int8_channel_sym",
    "imatrix_mse,fp8_channel",
    "imatrix_mse,nvfp4",
  })
  void rangesOfFp32Weights(String observer, String scheme) {
    Case test = new Case(observer, scheme, WeightType.F32);
    List<GroupRange> found = test.found();
    assertThat(found.stream().map(range -> range.min).toList()).isEqualTo(test.expected("min"));
    assertThat(found.stream().map(range -> range.max).toList()).isEqualTo(test.expected("max"));
  }

  /** The reference sums bf16 errors in bf16, so that neighbouring steps may tie. */
  @ParameterizedTest
  @CsvSource({
    "memoryless_minmax,int4_g32_sym,0",
    "memoryless_minmax,fp8_channel,0",
    "memoryless_mse,int4_g32_sym,0.0135",
    "memoryless_mse,int4_g128_asym,0.0135",
    "memoryless_mse,int8_channel_sym,0.0135",
    "memoryless_mse,fp8_channel,0.0135",
    "nvfp4_expanded_mse,nvfp4,0.0135",
    "imatrix_mse,int4_g32_sym,0.055",
  })
  void rangesOfBf16WeightsWithinAStep(String observer, String scheme, float step) {
    Case test = new Case(observer, scheme, WeightType.BF16);
    List<GroupRange> found = test.found();
    List<Float> expected = test.expected("max");
    for (int i = 0; i < expected.size(); i++) {
      float whole = test.whole.get(i).max;
      assertThat(found.get(i).max / whole)
          .as("group %d", i)
          .isCloseTo(expected.get(i) / whole, within(step));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"W3A16", "W4A16_ASYM", "W8A8", "FP8_DYNAMIC", "MXFP4A16", "NVFP4A16"})
  void neverWorseThanTheFullRange(String scheme) {
    Random random = new Random(7);
    Tensor shape = new Tensor(DType.BF16, List.of(200L, 128L), new byte[0]);
    QuantizeRequest request =
        QuantizedWeight.request(
            Schemes.parse(scheme), Numerics.COMPRESSED_TENSORS, WeightAlgorithm.MSE, shape);
    CodeRule codes = CodeRule.of(request.scheme().weights());
    ScaleRule rule = ScaleRules.of(request, codes, Optional.of(new TensorRange(-100, 100)));
    GroupError error = new GroupError(WeightType.BF16, loop(rule, codes, WeightType.BF16), 2.4);
    ShrinkSearch search =
        new ShrinkSearch(
            rule,
            loop(rule, codes, WeightType.BF16),
            WeightType.BF16,
            ShrinkSearch.Line.MEMORYLESS_MSE);
    int better = 0;
    for (int round = 0; round < 200; round++) {
      float[] values = new float[64];
      for (int i = 0; i < values.length; i++) {
        double tail = Math.pow(Math.abs(random.nextGaussian()), 3);
        values[i] = WeightType.BF16.round((float) (random.nextGaussian() * tail));
      }
      GroupRange full = range(values);
      GroupRange found = range(values);
      search.search(values, values.length, found);
      double ofFull = error.measure(values, values.length, scale(rule, full));
      double ofFound = error.measure(values, values.length, scale(rule, found));
      assertThat(ofFound).isLessThanOrEqualTo(ofFull);
      better += ofFound < ofFull ? 1 : 0;
    }
    assertThat(better).isPositive();
  }

  /** {@code mse} of activations: the line search of each batch, then a moving average. */
  @ParameterizedTest
  @CsvSource({"fp8_tensor,FP8", "int8_tensor_asym,W8A8(symmetric=false)"})
  void movingAverageOfSearchedBatches(String golden, String scheme) {
    Map<String, Tensor> file =
        GoldenFile.read(GoldenFile.folder().resolve("algorithms/observers.safetensors"));
    QuantArgs args = Schemes.parse(scheme).weights();
    CodeRule codes = CodeRule.of(args);
    AffineScale rule = new AffineScale(WeightType.F32, codes, args.symmetric());
    ShrinkSearch search =
        new ShrinkSearch(
            rule,
            loop(rule, codes, WeightType.F32),
            WeightType.F32,
            ShrinkSearch.Line.MEMORYLESS_MSE);
    float[] values = numbers(file.get("act_batches"));
    String prefix = "act.mse." + golden + ".";
    float[] expected = numbers(file.get(prefix + "minmax_after_each_batch"));
    MovingAverageRange average =
        new MovingAverageRange(
            MovingAverageRange.Rule.WEIGHTED_SUM, MovingAverageRange.DEFAULT_SHARE);
    for (int batch = 0; batch < 4; batch++) {
      int size = values.length / 4;
      float[] group = Arrays.copyOfRange(values, batch * size, (batch + 1) * size);
      GroupRange found = range(group);
      search.searchTogether(new float[][] {group}, Optional.empty(), List.of(found));
      average.add(batch, new TensorRange(found.min, found.max));
      assertThat(average.range())
          .isEqualTo(new TensorRange(expected[2 * batch], expected[2 * batch + 1]));
    }
    TensorRange end = average.range();
    assertThat(scale(rule, new GroupRange(end.min(), end.max())).dequantize)
        .isEqualTo(numbers(file.get(prefix + "scale"))[0]);
  }

  private static GroupDequantizer loop(ScaleRule rule, CodeRule codes, WeightType type) {
    return new PlainDequantizer(type, codes, rule.quotient());
  }

  private static GroupScale scale(ScaleRule rule, GroupRange range) {
    GroupScale scale = new GroupScale();
    rule.choose(range.min, range.max, scale);
    return scale;
  }

  private static GroupRange range(float[] values) {
    GroupRange range = new GroupRange();
    for (float value : values) {
      range.add(value);
    }
    return range;
  }

  /** One observer on the golden weight [32, 256]. */
  private static final class Case {
    private final Map<String, Tensor> golden =
        GoldenFile.read(GoldenFile.folder().resolve("algorithms/observers.safetensors"));
    private final String observer;
    private final String prefix;
    private final WeightType type;
    private final QuantArgs args;
    private final float[][] groups;
    private final List<GroupRange> whole = new ArrayList<>();

    Case(String observer, String scheme, WeightType type) {
      String suffix = type == WeightType.F32 ? "f32" : "bf16";
      this.observer = observer;
      this.prefix = observer + "." + scheme + "." + suffix + ".";
      this.type = type;
      this.args = Schemes.parse(SCHEMES.get(scheme)).weights();
      float[] weight = numbers(golden.get("weight_" + suffix));
      int count = numbers(golden.get(prefix + "min")).length;
      int size = weight.length / count;
      this.groups = new float[count][];
      for (int g = 0; g < count; g++) {
        groups[g] = Arrays.copyOfRange(weight, g * size, (g + 1) * size);
        whole.add(range(groups[g]));
      }
    }

    List<Float> expected(String name) {
      List<Float> list = new ArrayList<>();
      for (float value : numbers(golden.get(prefix + name))) {
        list.add(value);
      }
      return list;
    }

    List<GroupRange> found() {
      List<GroupRange> found = Arrays.stream(groups).map(group -> range(group)).toList();
      if (!observer.equals("memoryless_minmax")) {
        // The reference searches under plain scales, NVFP4 too.
        CodeRule codes = CodeRule.of(args);
        AffineScale rule = new AffineScale(type, codes, args.symmetric());
        new ShrinkSearch(rule, loop(rule, codes, type), type, line())
            .searchTogether(groups, weights(), found);
      }
      return found;
    }

    /** The scales of ranges; under the largest of them for NVFP4. */
    List<Float> scales(List<GroupRange> ranges) {
      float amax = 0;
      for (GroupRange range : ranges) {
        amax = Math.max(amax, range.amax());
      }
      boolean nvfp4 = args.scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL;
      ScaleRule rule =
          nvfp4
              ? new NvScale(type, amax)
              : new AffineScale(type, CodeRule.of(args), args.symmetric());
      if (nvfp4) {
        assertThat(rule.global()).isEqualTo(expected("global_scale").get(0));
      }
      return ranges.stream()
          .map(range -> scale(rule, range))
          .map(scale -> nvfp4 ? NumberFormats.E4M3FN.decode(scale.code) : scale.dequantize)
          .toList();
    }

    private ShrinkSearch.Line line() {
      return switch (observer) {
        case "memoryless_mse" -> ShrinkSearch.Line.MEMORYLESS_MSE;
        case "nvfp4_expanded_mse" -> ShrinkSearch.Line.NVFP4_EXPANDED;
        default -> ShrinkSearch.Line.IMPORTANCE;
      };
    }

    /** The mean square of each input column, relative to the mean of all. */
    private Optional<float[][]> weights() {
      if (!observer.equals("imatrix_mse")) {
        return Optional.empty();
      }
      float[][] weights = new float[groups.length][groups[0].length];
      float[] importance = new float[256];
      float[] x = numbers(golden.get("imatrix_x"));
      double total = 0;
      for (int i = 0; i < x.length; i++) {
        importance[i % importance.length] += x[i] * x[i];
        total += (double) x[i] * x[i];
      }
      for (int column = 0; column < importance.length; column++) {
        importance[column] *= (float) (importance.length / total);
      }
      for (int g = 0; g < weights.length; g++) {
        for (int i = 0; i < weights[g].length; i++) {
          weights[g][i] = importance[(g * weights[g].length + i) % importance.length];
        }
      }
      return Optional.of(weights);
    }
  }

  private static float[] numbers(Tensor tensor) {
    WeightType type = WeightType.valueOf(tensor.dtype().name());
    float[] numbers = new float[tensor.bytes().length / type.bytes()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = type.read(tensor.bytes(), i * type.bytes());
    }
    return numbers;
  }
}
