package org.sparkao.gpu.gptq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.device.BusyTime;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.ActOrder;
import org.sparkao.quant.calibrated.CpuGptq;
import org.sparkao.quant.calibrated.Gptq;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;
import org.sparkao.quant.calibrated.Gptq.Prepared;
import org.sparkao.quant.calibrated.GptqOptions;
import org.sparkao.quant.calibrated.GptqReport;
import org.sparkao.quant.calibrated.SecondMoments;
import org.sparkao.quant.dense.GramProduct;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** GPTQ of the device against that of quant-lib: every byte, every figure. */
@Tag("gpu")
class TestCudaGptqOnGpu {
  private static CudaDevice device;
  private static KernelLibrary kernels;

  @BeforeAll
  static void open() {
    device = CudaDevice.open(0, MemoryBudget.of(4L << 30));
    kernels = KernelLibrary.of(device);
  }

  @AfterAll
  static void close() {
    kernels.close();
    device.close();
  }

  /** What a quantizer makes of a weight. */
  private record Made(
      List<byte[]> parts,
      TensorStatistics statistics,
      double loss,
      long broken,
      GptqReport report) {}

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W4A16 | NONE | 1152",
        "W4A16_ASYM(group_size=32) | STATIC | 416",
        "W3A16(symmetric=false, group_size=64) | GROUP | 320",
        "W8A8 | STATIC | 1001",
        "W4A16(granularity=row) | STATIC | 13",
        "FP8_DYNAMIC | NONE | 259",
        "FP8 | STATIC | 256",
        "FP8_BLOCK | STATIC | 384",
        "NVFP4A16 | STATIC | 256",
        "MXFP4A16 | NONE | 288",
      })
  void equalsTheCpu(String scheme, ActOrder order, int columns) {
    SecondMoments inputs = moments(columns);
    GptqOptions options = new GptqOptions(order, 0.01);
    for (DType type : new DType[] {DType.BF16, DType.F16, DType.F32}) {
      for (int rows : new int[] {256, 35}) {
        QuantizeRequest request = request(scheme, rows, columns, type);
        byte[] weights = weights(rows * columns, type);
        Made expected = run(new CpuGptq(), inputs, options, request, weights, rows);
        Made actual =
            run(new CudaGptq(kernels, new BusyTime()), inputs, options, request, weights, rows);
        assertSame(actual, expected);
      }
    }
    assertThat(device.budget().inUse()).isZero();
  }

  @Test
  void slicesEqualTheWhole() {
    SecondMoments inputs = moments(512);
    GptqOptions options = new GptqOptions(ActOrder.STATIC, 0.01);
    QuantizeRequest request = request("W4A16", 300, 512, DType.BF16);
    byte[] weights = weights(300 * 512, DType.BF16);
    Gptq gptq = new CudaGptq(kernels, new BusyTime());
    Made whole = run(gptq, inputs, options, request, weights, 300);
    assertSame(run(gptq, inputs, options, request, weights, 1), whole);
    assertSame(run(gptq, inputs, options, request, weights, 70), whole);
  }

  @Test
  void rowsAreDoneInPiecesWhereMemoryEnds() {
    SecondMoments inputs = moments(512);
    GptqOptions options = new GptqOptions(ActOrder.STATIC, 0.01);
    QuantizeRequest request = request("W8A8", 4000, 512, DType.BF16);
    byte[] weights = weights(4000 * 512, DType.BF16);
    Made expected = run(new CpuGptq(), inputs, options, request, weights, 4000);
    try (CudaDevice small = CudaDevice.open(0, MemoryBudget.of(6L << 20));
        KernelLibrary library = KernelLibrary.of(small)) {
      assertSame(
          run(new CudaGptq(library, new BusyTime()), inputs, options, request, weights, 4000),
          expected);
      assertThat(small.budget().inUse()).isZero();
    }
  }

  @Test
  void momentsThatDoNotFitAreRefused() {
    SecondMoments inputs = moments(1024);
    GptqOptions options = new GptqOptions(ActOrder.STATIC, 0.01);
    try (CudaDevice small = CudaDevice.open(0, MemoryBudget.of(6L << 20));
        KernelLibrary library = KernelLibrary.of(small)) {
      assertThatThrownBy(() -> new CudaGptq(library, new BusyTime()).prepare(inputs, options))
          .isInstanceOf(OutOfDeviceMemoryException.class);
      assertThat(small.budget().inUse()).isZero();
    }
  }

  @Test
  void dampingGrowsUntilThereIsAFactor() {
    SecondMoments inputs = new SecondMoments(2, (i, j) -> i == j ? 1 : 1.05f);
    assertReport(inputs, new GptqReport(0.1, 0, false));
  }

  /** Not positive definite at any damping: the same counted fallback as on the processor. */
  @Test
  void roundsToNearestWithoutFactor() {
    SecondMoments inputs = new SecondMoments(300, (i, j) -> i == j ? -1 : 0);
    assertReport(inputs, new GptqReport(1, 0, true));
    GptqOptions options = new GptqOptions(ActOrder.NONE, 0.01);
    QuantizeRequest request = request("W4A16(group_size=20)", 50, 300, DType.F32);
    byte[] weights = weights(50 * 300, DType.F32);
    assertSame(
        run(new CudaGptq(kernels, new BusyTime()), inputs, options, request, weights, 50),
        run(new CpuGptq(), inputs, options, request, weights, 50));
  }

  private static void assertReport(SecondMoments inputs, GptqReport expected) {
    GptqOptions options = new GptqOptions(ActOrder.NONE, 0.01);
    try (Prepared prepared = new CudaGptq(kernels, new BusyTime()).prepare(inputs, options)) {
      assertThat(prepared.report()).isEqualTo(expected);
    }
  }

  private static void assertSame(Made actual, Made expected) {
    assertThat(actual.parts()).hasSameSizeAs(expected.parts());
    for (int i = 0; i < expected.parts().size(); i++) {
      assertThat(actual.parts().get(i)).as("part %d", i).isEqualTo(expected.parts().get(i));
    }
    assertThat(actual.statistics()).isEqualTo(expected.statistics());
    assertThat(actual.loss()).isEqualTo(expected.loss());
    assertThat(actual.broken()).isEqualTo(expected.broken());
    assertThat(actual.report()).isEqualTo(expected.report());
  }

  private static Made run(
      Gptq gptq,
      SecondMoments inputs,
      GptqOptions options,
      QuantizeRequest request,
      byte[] weights,
      int sliceRows) {
    int rows = Math.toIntExact(request.weight().rows());
    int count = Math.toIntExact(rows * request.weight().columns());
    RangeChoice ranges =
        RangeChoice.of(Optional.of(Quantizers.range(weights, 0, count, request.weight().dtype())));
    try (Prepared prepared = gptq.prepare(inputs, options)) {
      GptqQuantizer quantizer = gptq.quantizer(request, ranges, prepared);
      List<byte[]> parts = run(quantizer, weights, rows, sliceRows);
      return new Made(
          parts,
          quantizer.statistics(),
          quantizer.loss(),
          quantizer.rowsRoundedToNearest(),
          prepared.report());
    }
  }

  private static List<byte[]> run(
      GptqQuantizer quantizer, byte[] weights, int rows, int sliceRows) {
    List<PackedPart> parts = quantizer.parts();
    List<byte[]> whole = new ArrayList<>();
    parts.forEach(part -> whole.add(new byte[(int) part.bytes()]));
    int multiple = quantizer.sliceRowMultiple();
    int step = (sliceRows + multiple - 1) / multiple * multiple;
    for (int row = 0; row < rows; row += step) {
      int end = Math.min(rows, row + step);
      byte[][] out = new byte[parts.size()][];
      for (int i = 0; i < out.length; i++) {
        out[i] = new byte[(int) (parts.get(i).offset(end) - parts.get(i).offset(row))];
      }
      quantizer.quantize(weights, row * (weights.length / rows), row, end - row, out);
      for (int i = 0; i < out.length; i++) {
        int at = (int) parts.get(i).offset(row);
        System.arraycopy(out[i], 0, whole.get(i), at, out[i].length);
      }
    }
    return whole;
  }

  private static QuantizeRequest request(String scheme, int rows, int columns, DType type) {
    return new QuantizeRequest(
        Schemes.parse(scheme),
        CheckpointLayout.COMPRESSED_TENSORS,
        Numerics.COMPRESSED_TENSORS,
        WeightAlgorithm.RTN,
        new WeightSpec(rows, columns, type));
  }

  /** Normal numbers, and one that is none. */
  private static byte[] weights(int count, DType type) {
    Random random = new Random(count);
    WeightType form = WeightType.valueOf(type.name());
    byte[] weights = new byte[count * form.bytes()];
    for (int i = 0; i < count; i++) {
      float value = i == count / 3 ? Float.NaN : (float) (0.02 * random.nextGaussian());
      form.write(form.round(value), weights, i * form.bytes());
    }
    return weights;
  }

  /** Of inputs that are mixtures of some numbers, and a little of their own; one was never used. */
  private static SecondMoments moments(int columns) {
    Random random = new Random(columns);
    int tokens = 2 * columns;
    float[] x = new float[tokens * columns];
    for (int t = 0; t < tokens; t++) {
      float shared = (float) random.nextGaussian();
      for (int j = 0; j < columns; j++) {
        x[t * columns + j] = j == 5 ? 0 : shared + (1 + j % 7) * (float) random.nextGaussian();
      }
    }
    float[] h = new float[columns * columns];
    new GramProduct(columns).add(x, 0, tokens, h, GramProduct.Pieces.IN_ORDER);
    return SecondMoments.of(h, columns);
  }
}
