package org.sparkao.gpu.quantize;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** Requests and weights of the tests of this package, and what a quantizer makes of them. */
final class WeightCases {
  static final List<DType> TYPES = List.of(DType.BF16, DType.F16, DType.F32);

  private WeightCases() {}

  /** Parts whole, and statistics. */
  record Result(List<byte[]> parts, TensorStatistics statistics) {}

  /** {@code [torchao:|deepseek:]SCHEME}: all presets, and one of everything else there is. */
  static List<String> schemes() {
    List<String> names = new ArrayList<>();
    Schemes.all().forEach(scheme -> names.add(scheme.name()));
    names.addAll(
        List.of(
            "deepseek:FP8_BLOCK",
            "W4A16(group_size=8)",
            "W4A16(group_size=256)",
            "W4A16_ASYM(group_size=20)",
            "W3A16(group_size=40, symmetric=false)",
            "W8A16(granularity=tensor)",
            "W8A8(granularity=tensor, symmetric=false)",
            "W8A8(symmetric=false)",
            "W4A16_ASYM(granularity=row)",
            "W8A16(granularity=block)",
            "FP8_DYNAMIC(group_size=40)",
            "W4A8(format=int-quantized)",
            "torchao:FP8",
            "torchao:FP8_DYNAMIC",
            "torchao:W8A8",
            "torchao:W4A16(group_size=32)",
            "torchao:W4A16_ASYM(group_size=64)",
            "torchao:W8A16(granularity=row, symmetric=false)",
            "torchao:8DA4W",
            "torchao:MXFP4A16",
            "torchao:MXFP8A16",
            "torchao:NVFP4A16"));
    return names;
  }

  static QuantizeRequest request(String scheme, DType dtype, int rows, int columns) {
    boolean deepSeek = scheme.startsWith("deepseek:");
    return new QuantizeRequest(
        Schemes.parse(scheme.substring(scheme.indexOf(':') + 1)),
        deepSeek ? CheckpointLayout.DEEPSEEK : CheckpointLayout.COMPRESSED_TENSORS,
        scheme.startsWith("torchao:") ? Numerics.TORCHAO : Numerics.COMPRESSED_TENSORS,
        WeightAlgorithm.RTN,
        new WeightSpec(rows, columns, dtype));
  }

  /**
   * Whether quant-lib has no such request: torchao has no fp16 in some schemes, and whole blocks.
   */
  static boolean unknown(String scheme, DType dtype) {
    boolean microscaling = scheme.contains("MXFP") || scheme.contains("NVFP");
    return scheme.startsWith("torchao:") && dtype == DType.F16 && microscaling;
  }

  /** Whether groups do not fill the rows. */
  static boolean indivisible(QuantizeRequest request) {
    return request.scheme().weights().granularity() instanceof Granularity.PerGroup group
            && request.weight().columns() % group.size() != 0
        || request.scheme().name().startsWith("FP8_BLOCK") && request.weight().columns() % 128 != 0;
  }

  static TensorRange range(byte[] weights, DType dtype) {
    return Quantizers.range(weights, 0, weights.length * 8 / dtype.bits(), dtype);
  }

  /** Slice by slice. */
  static Result run(
      TensorQuantizer quantizer, QuantizeRequest request, byte[] weights, int sliceRows) {
    List<PackedPart> parts = quantizer.parts();
    List<byte[]> whole = new ArrayList<>();
    parts.forEach(part -> whole.add(new byte[(int) part.bytes()]));
    int rows = (int) request.weight().rows();
    int rowBytes = (int) request.weight().rowBytes();
    int multiple = quantizer.sliceRowMultiple();
    int step = (sliceRows + multiple - 1) / multiple * multiple;
    for (int row = 0; row < rows; row += step) {
      int count = Math.min(step, rows - row);
      byte[][] out = slice(parts, row, count);
      quantizer.quantize(weights, row * rowBytes, row, count, out);
      join(parts, row, out, whole);
    }
    return new Result(whole, quantizer.statistics());
  }

  /** Arrays for the parts of rows [row, row + count). */
  static byte[][] slice(List<PackedPart> parts, int row, int count) {
    return parts.stream()
        .map(part -> new byte[(int) (part.offset(row + count) - part.offset(row))])
        .toArray(byte[][]::new);
  }

  /** Puts the parts of a slice that begins with {@code row} in their places. */
  static void join(List<PackedPart> parts, int row, byte[][] out, List<byte[]> whole) {
    for (int i = 0; i < out.length; i++) {
      System.arraycopy(out[i], 0, whole.get(i), (int) parts.get(i).offset(row), out[i].length);
    }
  }

  /** What quant-lib makes of a weight. */
  static Result onCpu(QuantizeRequest request, byte[] weights) {
    Optional<TensorRange> range = Optional.of(range(weights, request.weight().dtype()));
    int rows = (int) request.weight().rows();
    return run(Quantizers.create(request, range), request, weights, rows);
  }

  /**
   * Rows of ordinary weights, and one row each of: zeros of both signs, one sign only, NaN and
   * infinities among others, nothing but NaN, very large, very small and subnormal, any bits,
   * small.
   */
  static byte[] weights(DType dtype, int rows, int columns) {
    Random random = new Random(columns * 31L + dtype.ordinal());
    WeightType type = WeightType.valueOf(dtype.name());
    byte[] weights = new byte[rows * columns * type.bytes()];
    for (int row = 0; row < rows; row++) {
      for (int j = 0; j < columns; j++) {
        float normal = (float) random.nextGaussian();
        float value =
            switch (row) {
              case 1 -> j % 2 == 0 ? 0f : -0f;
              case 2 -> Math.abs(normal);
              case 3 -> j % 50 == 7 ? Float.NaN : j % 50 == 20 ? Float.NEGATIVE_INFINITY : normal;
              case 4 -> Float.NaN;
              case 5 -> normal * (dtype == DType.F16 ? 2e4f : 1e38f);
              case 6 -> normal * (dtype == DType.F16 ? 1e-7f : 1e-39f);
              case 7 -> Float.intBitsToFloat(random.nextInt());
              case 8 -> normal * (dtype == DType.F16 ? 3e-5f : 1e-12f);
              default -> normal * 0.02f * (random.nextInt(500) == 0 ? 40 : 1);
            };
        type.write(type.round(value), weights, (row * columns + j) * type.bytes());
      }
    }
    return weights;
  }
}
