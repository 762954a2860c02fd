package org.sparkao.quant.algorithm;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.pack.BitPacking;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * The tensors that a weight becomes, and which of them is what. An index of {@link #NONE} says that
 * there is no such tensor.
 *
 * @param list the tensors
 * @param codes index of the codes
 * @param scale index of the scales
 * @param zeroPoint index of the zero points
 * @param global index of the global scale
 * @param shape index of the shape
 */
record WeightParts(
    List<PackedPart> list, int codes, int scale, int zeroPoint, int global, int shape) {
  static final int NONE = -1;

  static WeightParts of(QuantizeRequest request, ScaleGrid grid) {
    QuantArgs args = request.scheme().weights();
    WeightSpec weight = request.weight();
    boolean deepSeek = request.layout() == CheckpointLayout.DEEPSEEK;
    List<PackedPart> list = new ArrayList<>();
    list.add(codes(request));
    DType scaleType =
        switch (args.scale()) {
          case WEIGHT_DTYPE -> deepSeek ? DType.F32 : weight.dtype();
          case E8M0 -> DType.U8;
          case E4M3_WITH_GLOBAL -> DType.F8_E4M3;
        };
    list.add(grid.part(deepSeek ? "weight_scale_inv" : "weight_scale", scaleType));
    int zeroPoint = NONE;
    boolean packed = request.scheme().format() == StorageFormat.PACK_QUANTIZED;
    if (!args.symmetric()) {
      zeroPoint = list.size();
      list.add(
          packed
              ? packedZeroPoints(weight.rows(), grid.groups(), args.bits())
              : grid.part("weight_zero_point", DType.I8));
    }
    int global = NONE;
    if (args.scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL) {
      global = list.size();
      list.add(whole("weight_global_scale", DType.F32, 1));
    }
    int shape = NONE;
    if (packed) {
      shape = list.size();
      list.add(whole("weight_shape", DType.I64, 2));
    }
    return new WeightParts(List.copyOf(list), 0, 1, zeroPoint, global, shape);
  }

  private static PackedPart codes(QuantizeRequest request) {
    long rows = request.weight().rows();
    long columns = request.weight().columns();
    int bits = request.scheme().weights().bits();
    return switch (request.scheme().format()) {
      case PACK_QUANTIZED -> {
        long words = BitPacking.words(columns, bits);
        yield rows("weight_packed", DType.I32, rows, words);
      }
      case NVFP4_PACK_QUANTIZED, MXFP4_PACK_QUANTIZED ->
          rows("weight_packed", DType.U8, rows, columns / 2);
      case INT_QUANTIZED -> rows("weight", DType.I8, rows, columns);
      case FLOAT_QUANTIZED, NAIVE_QUANTIZED, MXFP8_QUANTIZED ->
          rows("weight", DType.F8_E4M3, rows, columns);
    };
  }

  private static PackedPart rows(String suffix, DType type, long rows, long columns) {
    return new PackedPart(suffix, type, List.of(rows, columns), 1, type.bytes(columns));
  }

  private static PackedPart whole(String suffix, DType type, long elements) {
    return new PackedPart(suffix, type, List.of(elements), Integer.MAX_VALUE, type.bytes(elements));
  }

  /** [ceil(rows * bits / 32), groups] words, in steps of as many rows as fill whole words. */
  private static PackedPart packedZeroPoints(long rows, long groups, int bits) {
    int step = 32 / Math.min(32, Integer.lowestOneBit(bits));
    long stepBytes = DType.I32.bytes(Math.multiplyExact(BitPacking.words(step, bits), groups));
    List<Long> shape = List.of(BitPacking.words(rows, bits), groups);
    return new PackedPart("weight_zero_point", DType.I32, shape, step, stepBytes);
  }
}
