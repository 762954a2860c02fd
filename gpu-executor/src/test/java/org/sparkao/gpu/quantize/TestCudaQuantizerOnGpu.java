package org.sparkao.gpu.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;

/** The quantizers of the device against those of quant-lib: every byte, every figure. */
@Tag("gpu")
class TestCudaQuantizerOnGpu {
  private static CudaDevice device;
  private static KernelLibrary kernels;
  private static QuantizeWorkspace workspace;

  @BeforeAll
  static void open() {
    device = CudaDevice.open(0, MemoryBudget.of(4L << 30));
    kernels = KernelLibrary.of(device);
    workspace = QuantizeWorkspace.of(kernels);
  }

  @AfterAll
  static void close() {
    workspace.close();
    kernels.close();
    device.close();
  }

  static List<String> schemes() {
    return WeightCases.schemes();
  }

  @ParameterizedTest
  @MethodSource("schemes")
  void equalsTheCpu(String scheme) {
    for (DType dtype : WeightCases.TYPES) {
      for (int columns : new int[] {640, 1920, 4224}) {
        check(scheme, dtype, 67, columns);
      }
      check(scheme, dtype, 1, 640);
      check(scheme, dtype, 300, 640);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "FP8",
        "W8A8",
        "FP8_DYNAMIC",
        "W8A8(symmetric=false)",
        "W4A16(granularity=row)",
        "W3A16(granularity=row, symmetric=false)",
        "W8A16(granularity=row)",
        "W8A8(granularity=block)",
        "torchao:W8A8",
        "torchao:FP8_DYNAMIC"
      })
  void equalsTheCpuOnOddRows(String scheme) {
    for (DType dtype : WeightCases.TYPES) {
      for (int columns : new int[] {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 127, 129, 1000, 33000}) {
        check(scheme, dtype, columns < 1000 ? 35 : 9, columns);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "FP8_DYNAMIC",
        "FP8_BLOCK",
        "W8A8",
        "W4A16",
        "W4A16_ASYM",
        "W4A16(granularity=row)",
        "NVFP4A16",
        "MXFP4A16"
      })
  void searchesTheRangeOfLeastErrorAsTheCpu(String scheme) {
    for (DType dtype : WeightCases.TYPES) {
      if (WeightCases.unknown(scheme, dtype)) {
        continue;
      }
      QuantizeRequest plain = WeightCases.request(scheme, dtype, 67, 640);
      QuantizeRequest request =
          new QuantizeRequest(
              plain.scheme(),
              plain.layout(),
              plain.numerics(),
              WeightAlgorithm.MSE,
              plain.weight());
      byte[] weights = WeightCases.weights(dtype, 67, 640);
      try (SliceQuantizer quantizer = create(request, weights)) {
        assertSame(
            scheme + " " + dtype,
            WeightCases.run(quantizer, request, weights, 67),
            WeightCases.onCpu(request, weights));
      }
    }
  }

  @Test
  void equalsTheReferenceImplementations() {
    List<GoldenSchemes.Case> cases = GoldenSchemes.cases();
    assumeTrue(!cases.isEmpty(), "no golden vectors");
    cases.forEach(TestCudaQuantizerOnGpu::check);
  }

  private static void check(GoldenSchemes.Case golden) {
    byte[] weights = golden.weights();
    QuantizeRequest request = golden.request();
    TensorRange range = WeightCases.range(weights, request.weight().dtype());
    try (SliceQuantizer quantizer =
        DeviceQuantizers.create(workspace, request, Optional.of(range))) {
      int rows = (int) request.weight().rows();
      WeightCases.Result result = WeightCases.run(quantizer, request, weights, rows);
      List<PackedPart> parts = quantizer.parts();
      for (int i = 0; i < parts.size(); i++) {
        assertThat(result.parts().get(i))
            .as("%s.%s", golden, parts.get(i).suffix())
            .isEqualTo(golden.expected(parts.get(i).suffix()));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"FP8_BLOCK", "W4A16_ASYM", "W3A16(symmetric=false)", "NVFP4A16", "FP8"})
  void twoSlicesUnderWayGiveTheSame(String scheme) {
    QuantizeRequest request = WeightCases.request(scheme, DType.BF16, 1000, 640);
    byte[] weights = WeightCases.weights(DType.BF16, 1000, 640);
    WeightCases.Result expected = WeightCases.onCpu(request, weights);
    try (SliceQuantizer quantizer = create(request, weights)) {
      List<PackedPart> parts = quantizer.parts();
      List<byte[]> whole = new ArrayList<>();
      parts.forEach(part -> whole.add(new byte[(int) part.bytes()]));
      int step = 128;
      int taken = 0;
      for (int row = 0; row < 1000; row += step) {
        if (quantizer.underWay() == quantizer.depth()) {
          taken = take(quantizer, whole, taken, step);
        }
        quantizer.submit(weights, row * 640 * 2, row, Math.min(step, 1000 - row));
      }
      while (quantizer.underWay() > 0) {
        taken = take(quantizer, whole, taken, step);
      }
      assertSame(scheme, new WeightCases.Result(whole, quantizer.statistics()), expected);
    }
  }

  @Test
  void findsRanges() {
    for (DType dtype : WeightCases.TYPES) {
      for (int columns : new int[] {1, 7, 640, 4097}) {
        byte[] weights = WeightCases.weights(dtype, 67, columns);
        assertThat(DeviceQuantizers.range(workspace, weights, 0, 67 * columns, dtype))
            .as("%s, %d columns", dtype, columns)
            .isEqualTo(WeightCases.range(weights, dtype));
      }
      byte[] nothing = WeightCases.weights(dtype, 5, 64);
      int rowBytes = 64 * dtype.bits() / 8;
      assertThat(DeviceQuantizers.range(workspace, nothing, 4 * rowBytes, 64, dtype))
          .isEqualTo(TensorRange.EMPTY);
    }
  }

  private static int take(SliceQuantizer quantizer, List<byte[]> whole, int row, int step) {
    int count = Math.min(step, 1000 - row);
    byte[][] out = WeightCases.slice(quantizer.parts(), row, count);
    quantizer.take(out);
    WeightCases.join(quantizer.parts(), row, out, whole);
    return row + count;
  }

  private static void check(String scheme, DType dtype, int rows, int columns) {
    if (WeightCases.unknown(scheme, dtype)) {
      return;
    }
    QuantizeRequest request = WeightCases.request(scheme, dtype, rows, columns);
    if (WeightCases.indivisible(request)) {
      return;
    }
    byte[] weights = WeightCases.weights(dtype, rows, columns);
    WeightCases.Result expected = WeightCases.onCpu(request, weights);
    for (int sliceRows : new int[] {rows, 32}) {
      try (SliceQuantizer quantizer = create(request, weights)) {
        WeightCases.Result actual = WeightCases.run(quantizer, request, weights, sliceRows);
        assertSame(scheme + " " + dtype + " " + rows + "x" + columns, actual, expected);
      }
    }
  }

  private static SliceQuantizer create(QuantizeRequest request, byte[] weights) {
    TensorRange range = WeightCases.range(weights, request.weight().dtype());
    return DeviceQuantizers.create(workspace, request, Optional.of(range));
  }

  private static void assertSame(
      String what, WeightCases.Result actual, WeightCases.Result expected) {
    for (int i = 0; i < expected.parts().size(); i++) {
      assertThat(actual.parts().get(i))
          .as("%s, part %d", what, i)
          .isEqualTo(expected.parts().get(i));
    }
    assertThat(actual.statistics()).as(what).isEqualTo(expected.statistics());
  }
}
