package org.sparkao.gpu.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.safetensors.DType;

/** Weights from codes on any device: their errors are those that quant-lib measured. */
abstract class AbstractTestWeightDequantizer {
  private Device device;
  private WeightDequantizer dequantizer;

  abstract Device open();

  abstract WeightDequantizer dequantizer(Device device);

  void closed() {}

  static List<String> schemes() {
    return WeightCases.schemes();
  }

  @BeforeEach
  void begin() {
    device = open();
    dequantizer = dequantizer(device);
  }

  @AfterEach
  void end() {
    closed();
    device.close();
  }

  @ParameterizedTest
  @MethodSource("schemes")
  void errorsAreThoseOfTheStatistics(String scheme) {
    for (DType dtype : WeightCases.TYPES) {
      check(scheme, dtype, 128, 640);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "W8A8",
        "FP8_DYNAMIC",
        "W3A16(granularity=row, symmetric=false)",
        "W4A16(group_size=-1)"
      })
  void oddRowsToo(String scheme) {
    for (int columns : new int[] {1, 3, 7, 8, 9, 17, 33, 100, 1001}) {
      check(scheme, DType.BF16, 35, columns);
    }
  }

  private void check(String scheme, DType dtype, int rows, int columns) {
    if (WeightCases.unknown(scheme, dtype)) {
      return;
    }
    QuantizeRequest request = WeightCases.request(scheme, dtype, rows, columns);
    if (WeightCases.indivisible(request)) {
      return;
    }
    byte[] weights = WeightCases.weights(dtype, rows, columns);
    replaceAwkwardRows(weights, request);
    WeightCases.Result quantized = WeightCases.onCpu(request, weights);
    byte[] actual = dequantized(request, quantized.parts(), weights.length);
    WeightType type = WeightType.valueOf(dtype.name());
    double noise = 0;
    double largest = 0;
    for (int at = 0; at < weights.length; at += type.bytes()) {
      double error = (double) type.read(weights, at) - type.read(actual, at);
      noise += error * error;
      largest = Math.max(largest, Math.abs(error));
    }
    TensorStatistics statistics = quantized.statistics();
    // torchao's NVFP4 divides by the reciprocal that is stored: a few roundings apart.
    double tolerance = scheme.equals("torchao:NVFP4A16") ? 1e-2 : 1e-5;
    String what = scheme + " " + dtype + " " + rows + "x" + columns;
    assertThat(Math.abs(noise - statistics.noise()))
        .as(what)
        .isLessThanOrEqualTo(tolerance * statistics.noise());
    assertThat(Math.abs(largest - statistics.maxError()))
        .as(what)
        .isLessThanOrEqualTo(tolerance * statistics.maxError());
  }

  /** Rows of NaN and of very large and small numbers have no errors to compare. */
  private static void replaceAwkwardRows(byte[] weights, QuantizeRequest request) {
    int rowBytes = (int) request.weight().rowBytes();
    for (int row = 3; row < 9 && row * rowBytes < weights.length; row++) {
      System.arraycopy(weights, 2 * rowBytes, weights, row * rowBytes, rowBytes);
    }
  }

  private byte[] dequantized(QuantizeRequest request, List<byte[]> parts, int bytes) {
    List<Buffer> buffers = new ArrayList<>();
    for (byte[] part : parts) {
      Buffer buffer = device.allocate(part.length);
      device.write(buffer, 0, ByteBuffer.wrap(part));
      buffers.add(buffer);
    }
    try (Buffer out = device.allocate(bytes)) {
      dequantizer.dequantize(request, buffers, out);
      ByteBuffer read = ByteBuffer.allocate(bytes);
      device.read(out, 0, read);
      return read.array();
    } finally {
      buffers.forEach(Buffer::close);
    }
  }
}
