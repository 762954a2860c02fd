package org.sparkao.gpu.fake;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.quantize.StoredWeight;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** Matrices, fakes of one scheme, and what {@code quantize} makes of the same weights. */
final class FakeCase {
  static final CpuDevice CPU = CpuDevice.open();
  static final Workers PARALLEL =
      (count, piece) -> IntStream.range(0, count).parallel().forEach(piece::accept);

  private FakeCase() {}

  static SchemeFakes fakes(
      String scheme, Numerics numerics, DType stored, FakeSettings.Ranges ranges) {
    return fakes(scheme, new FakeSettings(numerics, stored, ranges), Workers.CALLER);
  }

  static SchemeFakes fakes(String scheme, FakeSettings settings, Workers workers) {
    return fakes(scheme, settings, new HostFakes(CPU, workers));
  }

  static SchemeFakes fakes(String scheme, FakeSettings settings, FakeDevice device) {
    return fakes(scheme, settings, device, Optional.empty());
  }

  /** Learned scales that begin with given ones. */
  static SchemeFakes begunWith(GivenScales scales, String scheme, Numerics numerics, DType stored) {
    FakeSettings settings = new FakeSettings(numerics, stored, FakeSettings.Ranges.LEARNED_STEP);
    return fakes(scheme, settings, new HostFakes(CPU, Workers.CALLER), Optional.of(scales));
  }

  private static SchemeFakes fakes(
      String scheme, FakeSettings settings, FakeDevice device, Optional<GivenScales> scales) {
    return new SchemeFakes(
        device,
        settings,
        new SchemeFakes.Modules(
            module -> Optional.of(Schemes.parse(scheme)),
            module -> module.replaceAll("\\.[qkv]_proj$", ".qkv"),
            module ->
                module.equals("calibrated")
                    ? Optional.of(new TensorRange(-3, 2.5f))
                    : Optional.empty(),
            module -> scales));
  }

  /** A tensor within a larger one, so that it has an offset. */
  static HostTensor tensor(int rows, int columns, float[] values) {
    HostTensor tensor = HostTensor.allocate(CPU, rows + 1, columns).slice(1, rows + 1);
    tensor.write(values, 0);
    return tensor;
  }

  static HostTensor zeros(int rows, int columns) {
    return tensor(rows, columns, new float[rows * columns]);
  }

  /** Normal numbers with a row of zeros, an outlier and a row of one sign. */
  static float[] weights(int rows, int columns, long seed) {
    Random random = new Random(seed);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() * 0.05f;
    }
    Arrays.fill(values, columns, 2 * columns, 0);
    values[2 * columns + 7] = 1.75f;
    for (int i = 3 * columns; i < 4 * columns; i++) {
      values[i] = Math.abs(values[i]);
    }
    return values;
  }

  static QuantizeRequest request(
      String scheme, Numerics numerics, DType stored, int rows, int columns) {
    return new FakeSettings(numerics, stored, FakeSettings.Ranges.COMPUTED)
        .request(Schemes.parse(scheme), rows, columns);
  }

  /** The parts that {@code quantize} writes. */
  static List<ByteBuffer> parts(TensorQuantizer quantizer, byte[] source, int rows) {
    byte[][] parts =
        quantizer.parts().stream()
            .map(part -> new byte[Math.toIntExact(part.bytes())])
            .toArray(byte[][]::new);
    quantizer.quantize(source, 0, 0, rows, parts);
    return Arrays.stream(parts).map(ByteBuffer::wrap).toList();
  }

  /** The numbers that a loader makes of parts. */
  static float[] loaded(QuantizeRequest request, List<ByteBuffer> parts) {
    int rows = (int) request.weight().rows();
    float[] values = new float[rows * (int) request.weight().columns()];
    StoredWeight.of(request, parts).dequantize(0, rows, values, 0);
    return values;
  }

  static Optional<TensorRange> range(QuantizeRequest request, byte[] source) {
    DType type = request.weight().dtype();
    int count = source.length / (type.bits() / 8);
    return request.scheme().needsTensorRange()
        ? Optional.of(Quantizers.range(source, 0, count, type))
        : Optional.empty();
  }

  static byte[] bytes(float[] values, DType dtype) {
    WeightType type = WeightType.valueOf(dtype.name());
    byte[] bytes = new byte[type.bytes() * values.length];
    for (int i = 0; i < values.length; i++) {
      type.write(type.round(values[i]), bytes, i * type.bytes());
    }
    return bytes;
  }
}
