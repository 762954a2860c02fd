package org.sparkao.quant.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.pack.BitPacking;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** The torchao profile in checkpoints of compressed-tensors, against torchao's own tensors. */
class TestTorchaoQuantizers {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W8A8 | int8wo_row",
        "W8A8 | int8dyn_sym",
        "W8A16(granularity=tensor, format=int-quantized) | int8wo_tensor",
        "W8A16(group_size=32) | int8wo_group32",
        "8DA4W | 8da4w_g32",
        "8DA4W(symmetric=false) | 8da4w_g32_asym",
        "W2A16(group_size=32) | intxwo_int2_g32",
        "W3A16(group_size=32) | intxwo_int3_g32",
        "W4A16(group_size=32) | intxwo_int4_g32",
        "W5A16(group_size=32) | intxwo_int5_g32",
        "W6A16(group_size=32) | intxwo_int6_g32",
        "W7A16(group_size=32) | intxwo_int7_g32",
        "W4A16_ASYM(granularity=row) | intxwo_int4_row_asym",
        "W4A16 | prim_int4_g128_sym",
        "W4A16_ASYM | prim_int4_g128_asym",
        "FP8_DYNAMIC | float8wo_row",
        "FP8 | float8wo_tensor",
        "FP8_DYNAMIC(group_size=32) | float8wo_group32",
        "FP8_BLOCK | float8_block128_from_hp",
        "MXFP8 | mx_e4m3_rceil",
        "MXFP4 | mx_e2m1_rceil",
        "NVFP4 | nvfp4_two_level",
      })
  void codesAndScales(String name, String file) {
    Path root = GoldenFile.folder();
    Map<String, Tensor> input = GoldenFile.read(root.resolve("schemes/input.safetensors"));
    Map<String, Tensor> golden = GoldenFile.read(root.resolve("torchao/" + file + ".safetensors"));
    QuantScheme scheme = Schemes.parse(name);
    List<String> weights =
        golden.keySet().stream()
            .filter(key -> key.endsWith(".qdata"))
            .map(key -> key.substring(0, key.indexOf('.')))
            .toList();
    assertThat(weights).isNotEmpty();
    for (String weight : weights) {
      Tensor source = input.get(weight + ".weight");
      QuantizedWeight actual =
          QuantizedWeight.of(request(scheme, source), source, Integer.MAX_VALUE / 2);
      assertThat(scales(actual))
          .as(weight + " scale")
          .isEqualTo(numbers(golden.get(weight + ".scale")));
      byte[] zeroPoints = zeroPoints(actual, scheme.weights().bits());
      if (zeroPoints.length > 0) {
        assertThat(zeroPoints)
            .as(weight + " zero point")
            .isEqualTo(lowBytes(golden.get(weight + ".zero_point")));
      }
      checkCodes(weight, golden.get(weight + ".qdata"), codes(actual, scheme.weights().bits()));
    }
  }

  /** Checkpoints that torchao itself wrote. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W8A8 | llama-int8wo",
        "W8A8 | llama-int8dyn",
        "FP8_DYNAMIC | llama-float8wo",
        "W2A16(group_size=32) | llama-intx2_g32",
        "W3A16(group_size=64) | llama-intx3_g64",
        "W4A16(group_size=32) | llama-intx4_g32",
        "W4A16(granularity=row) | llama-intx4_row",
        "8DA4W | llama-8da4w_g32",
        "8DA4W(group_size=128) | llama-8da4w_g128",
      })
  void checkpointsOfTorchao(String name, String folder) {
    Path root = GoldenFile.folder().resolve("torchao-checkpoints");
    Map<String, Tensor> input = GoldenFile.read(root.resolve("llama/model.safetensors"));
    Map<String, Tensor> golden = GoldenFile.read(root.resolve(folder).resolve("model.safetensors"));
    QuantScheme scheme = Schemes.parse(name);
    int checked = 0;
    for (String key : golden.keySet()) {
      if (key.endsWith("._weight_qdata")) {
        String module = key.substring(0, key.length() - "_weight_qdata".length());
        Tensor source = input.get(module + "weight");
        QuantizedWeight actual = QuantizedWeight.of(request(scheme, source), source, 128);
        assertThat(scales(actual)).isEqualTo(numbers(golden.get(module + "_weight_scale")));
        checkCodes(module, golden.get(key), codes(actual, scheme.weights().bits()));
        checked++;
      }
    }
    assertThat(checked).isEqualTo(14);
  }

  private static QuantizeRequest request(QuantScheme scheme, Tensor source) {
    return QuantizedWeight.request(scheme, Numerics.TORCHAO, WeightAlgorithm.RTN, source);
  }

  /** torchao writes NaN where this library writes zero: fp8 rows of zeros. */
  private static void checkCodes(String weight, Tensor golden, byte[] codes) {
    byte[] expected = golden.bytes().clone();
    if (golden.dtype() == DType.F8_E4M3) {
      for (int i = 0; i < expected.length; i++) {
        boolean nan = Float.isNaN(NumberFormats.E4M3FN.decode(expected[i]));
        expected[i] = nan ? (byte) (codes[i] & 0x80) : expected[i];
      }
    }
    assertThat(codes).as(weight + " codes").isEqualTo(expected);
  }

  private static byte[] codes(QuantizedWeight actual, int bits) {
    Tensor packed = actual.tensors().get("weight_packed");
    if (packed == null || packed.dtype() == DType.U8) {
      return (packed == null ? actual.tensors().get("weight") : packed).bytes();
    }
    Tensor shape = actual.tensors().get("weight_shape");
    int rows = shape.bytes()[0] & 0xFF | (shape.bytes()[1] & 0xFF) << 8;
    int columns = shape.bytes()[8] & 0xFF | (shape.bytes()[9] & 0xFF) << 8;
    int rowBytes = packed.bytes().length / rows;
    ByteBuffer codes = ByteBuffer.allocate(rows * columns);
    byte[] row = new byte[columns];
    for (int i = 0; i < rows; i++) {
      BitPacking.unpackRow(packed.bytes(), i * rowBytes, bits, 1 << (bits - 1), row, columns);
      codes.put(row);
    }
    return codes.array();
  }

  private static byte[] zeroPoints(QuantizedWeight actual, int bits) {
    Tensor packed = actual.tensors().get("weight_zero_point");
    if (packed == null || packed.dtype() == DType.I8) {
      return packed == null ? new byte[0] : packed.bytes();
    }
    List<Long> shape = actual.tensors().get("weight_scale").shape();
    int rows = Math.toIntExact(shape.get(0));
    int groups = Math.toIntExact(shape.get(1));
    ByteBuffer zeroPoints = ByteBuffer.allocate(rows * groups);
    byte[] row = new byte[groups];
    for (int i = 0; i < rows; i++) {
      BitPacking.unpackColumns(packed.bytes(), 0, bits, i, row, groups);
      zeroPoints.put(row);
    }
    return zeroPoints.array();
  }

  private static byte[] lowBytes(Tensor tensor) {
    int step = tensor.dtype().bits() / 8;
    byte[] low = new byte[tensor.bytes().length / step];
    for (int i = 0; i < low.length; i++) {
      low[i] = tensor.bytes()[i * step];
    }
    return low;
  }

  private static float[] scales(QuantizedWeight actual) {
    return numbers(actual.tensors().get("weight_scale"));
  }

  private static float[] numbers(Tensor tensor) {
    int step = tensor.dtype().bits() / 8;
    float[] numbers = new float[tensor.bytes().length / step];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] =
          step == 1
              ? tensor.bytes()[i]
              : WeightType.valueOf(tensor.dtype().name()).read(tensor.bytes(), i * step);
    }
    return numbers;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W4A8 | torchao joins symmetric int8 activations to symmetric int8 rows only; use W8A8, or"
            + " 8DA4W for int4 weights",
        "W4AFP8 | torchao's kernels for these activations write other bytes",
        "W4A16(granularity=tensor, format=int-quantized) | torchao has no scale tensor for"
            + " symmetric int4; use granularity=row or group",
        "FP8_BLOCK | blocks of 128x128 do not fill [100, 256]; skip the tensor or give it another"
            + " scheme, such as FP8_DYNAMIC",
      })
  void refusedCombinations(String name, String why) {
    Tensor weight = new Tensor(DType.BF16, List.of(100L, 256L), new byte[0]);
    assertThatThrownBy(() -> Quantizers.parts(request(Schemes.parse(name), weight)))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "scheme %s with numerics torchao: %s, or --numerics compressed-tensors",
            Schemes.parse(name).name(), why);
  }

  @Test
  void halfPrecisionWeightsOfMicroscaling() {
    Tensor weight = new Tensor(DType.F16, List.of(2L, 256L), new byte[0]);
    assertThatThrownBy(() -> Quantizers.parts(request(Schemes.parse("MXFP4"), weight)))
        .hasMessageContaining("torchao takes bf16 and fp32 weights here, not fp16");
  }
}
