package org.sparkao.quant.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** The algorithms that choose ranges, behind {@link Quantizers}. */
class TestRangeSearches {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W4A16(group_size=32) | memoryless_mse.int4_g32_sym",
        "W4A16_ASYM | memoryless_mse.int4_g128_asym",
        "W8A8 | memoryless_mse.int8_channel_sym",
        "FP8_DYNAMIC | memoryless_mse.fp8_channel",
      })
  void scalesOfTheLineSearch(String scheme, String golden) {
    Map<String, Tensor> file =
        GoldenFile.read(GoldenFile.folder().resolve("algorithms/observers.safetensors"));
    Tensor weight = file.get("weight_f32");
    QuantizedWeight actual = quantized(scheme, WeightAlgorithm.MSE, weight, 32);
    assertThat(actual.tensors().get("weight_scale").bytes())
        .isEqualTo(file.get(golden + ".f32.scale").bytes());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "MSE | W4A16",
        "MSE | W4A16_ASYM(group_size=64)",
        "MSE | FP8_BLOCK",
        "MSE | MXFP4",
        "MSE | NVFP4",
        "PERCENTILE | W8A8",
        "PERCENTILE | FP8_BLOCK",
        "HISTOGRAM | W4A16",
        "HISTOGRAM | W8A8(symmetric=false)",
        "HQQ | W4A16_ASYM",
        "HQQ | W3A16(symmetric=false, group_size=32)",
        "RTN | W4A16_ASYM",
      })
  void slicesEqualTheWhole(WeightAlgorithm algorithm, String scheme) {
    Tensor weight = heavyTailed(300, 256);
    QuantizedWeight whole = quantized(scheme, algorithm, weight, 300);
    QuantizedWeight sliced = quantized(scheme, algorithm, weight, 1);
    assertThat(sliced.statistics()).isEqualTo(whole.statistics());
    whole
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(sliced.tensors().get(name).bytes()).as(name).isEqualTo(tensor.bytes()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W8A8 | RTN",
        "W4A16 | RTN",
        "W4A16_ASYM | RTN",
        "FP8_DYNAMIC | RTN",
        "FP8_BLOCK | RTN",
        "MXFP4 | RTN",
        "NVFP4 | RTN",
        "FP8 | RTN",
      })
  void slicesOfTorchaoEqualTheWhole(String scheme, WeightAlgorithm algorithm) {
    Tensor weight = heavyTailed(256, 256);
    QuantizeRequest request =
        QuantizedWeight.request(Schemes.parse(scheme), Numerics.TORCHAO, algorithm, weight);
    QuantizedWeight whole = QuantizedWeight.of(request, weight, 256);
    QuantizedWeight sliced = QuantizedWeight.of(request, weight, 3);
    assertThat(sliced.statistics()).isEqualTo(whole.statistics());
    whole
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(sliced.tensors().get(name).bytes()).as(name).isEqualTo(tensor.bytes()));
  }

  /** On heavy tails at few bits every search gains, in squared error too. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "MSE | W4A16",
        "HISTOGRAM | W4A16",
        "HQQ | W4A16_ASYM",
        "MSE | W3A16(symmetric=false)",
        "HISTOGRAM | W3A16(symmetric=false)",
      })
  void betterThanRoundToNearest(WeightAlgorithm algorithm, String scheme) {
    Tensor weight = heavyTailed(128, 256);
    double rtn = quantized(scheme, WeightAlgorithm.RTN, weight, 128).statistics().absoluteError();
    double searched = quantized(scheme, algorithm, weight, 128).statistics().absoluteError();
    assertThat(searched).isLessThan(rtn);
  }

  @Test
  void rowsOfZeros() {
    Tensor zeros = new Tensor(DType.BF16, List.of(8L, 256L), new byte[8 * 256 * 2]);
    for (WeightAlgorithm algorithm : WeightAlgorithm.values()) {
      if (algorithm.needs() != WeightAlgorithm.Needs.NOTHING) {
        continue;
      }
      QuantizedWeight actual = quantized("W4A16_ASYM", algorithm, zeros, 8);
      assertThat(actual.statistics().noise()).as(algorithm.configName()).isZero();
    }
  }

  @Test
  void percentileCutsOffTheLargest() {
    float[] values = new float[200];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 2 == 0 ? i + 1 : -(i + 1);
    }
    GroupRange found = new GroupRange(-200, 199);
    new PercentileSearch(99).search(values, values.length, found);
    assertThat(found.min).isEqualTo(-198);
    assertThat(found.max).isEqualTo(198);
  }

  @Test
  void percentileOfFewValuesIsTheirRange() {
    GroupRange found = new GroupRange(-2, 1);
    new PercentileSearch(99.99).search(new float[] {1, -2, 0.5f}, 3, found);
    assertThat(found.min).isEqualTo(-2);
    assertThat(found.max).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "MSE | FP8 | algorithm mse with scheme FP8: it searches a range a row, group or block, not"
            + " one for the tensor, or --algorithm rtn",
        "HISTOGRAM | FP8_DYNAMIC | algorithm histogram with scheme FP8_DYNAMIC: its error model is"
            + " that of evenly spaced codes; use mse for floats, or --algorithm rtn",
        "HQQ | W4A16 | algorithm hqq with scheme W4A16: it moves zero points; use an asymmetric"
            + " scheme, such as W4A16_ASYM, or --algorithm rtn",
      })
  void refusedCombinations(WeightAlgorithm algorithm, String scheme, String message) {
    Tensor weight = new Tensor(DType.BF16, List.of(4L, 256L), new byte[0]);
    QuantizeRequest request =
        QuantizedWeight.request(
            Schemes.parse(scheme), Numerics.COMPRESSED_TENSORS, algorithm, weight);
    assertThatThrownBy(() -> Quantizers.parts(request))
        .isInstanceOf(QuantException.class)
        .hasMessage(message);
  }

  private static QuantizedWeight quantized(
      String scheme, WeightAlgorithm algorithm, Tensor weight, int sliceRows) {
    return QuantizedWeight.of(
        QuantizedWeight.request(
            Schemes.parse(scheme), Numerics.COMPRESSED_TENSORS, algorithm, weight),
        weight,
        sliceRows);
  }

  /** Products of three normal numbers, with an infinity and a NaN in the last row. */
  private static Tensor heavyTailed(int rows, int columns) {
    Random random = new Random(11);
    byte[] bytes = new byte[rows * columns * 2];
    for (int i = 0; i < rows * columns; i++) {
      double value = random.nextGaussian() * random.nextGaussian() * random.nextGaussian();
      WeightType.BF16.write(WeightType.BF16.round((float) (value * 0.02)), bytes, 2 * i);
    }
    WeightType.BF16.write(Float.POSITIVE_INFINITY, bytes, bytes.length - 2);
    WeightType.BF16.write(Float.NaN, bytes, bytes.length - 6);
    return new Tensor(DType.BF16, List.of((long) rows, (long) columns), bytes);
  }
}
