package org.sparkao.quant.algorithm;

import static org.sparkao.quant.algorithm.WeightParts.NONE;
import static org.sparkao.quant.algorithm.WeightParts.rows;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.algorithm.WeightParts.CodeForm;
import org.sparkao.quant.pack.BitPacking;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.StorageFormat;

/** The names and types of compressed-tensors 0.18, by the storage format of the scheme. */
final class CompressedTensorsLayout implements WeightLayout {

  /** Every scheme has a format of its own. */
  @Override
  public void check(QuantizeRequest request) {}

  @Override
  public WeightParts parts(QuantizeRequest request, ScaleGrid grid) {
    QuantArgs args = request.scheme().weights();
    WeightSpec weight = request.weight();
    List<PackedPart> list = new ArrayList<>();
    list.add(codes(request));
    DType scaleType =
        switch (args.scale()) {
          case WEIGHT_DTYPE -> weight.dtype();
          case E8M0 -> DType.U8;
          case E4M3_WITH_GLOBAL -> DType.F8_E4M3;
        };
    list.add(grid.part("weight_scale", scaleType));
    int zeroPoint = NONE;
    CodeForm form = form(request.scheme().format());
    if (!args.symmetric()) {
      zeroPoint = list.size();
      list.add(
          form == CodeForm.BIASED_BITS
              ? packedZeroPoints(weight.rows(), grid.groups(), args.bits())
              : grid.part("weight_zero_point", DType.I8));
    }
    int global = NONE;
    if (args.scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL) {
      global = list.size();
      list.add(whole("weight_global_scale", DType.F32, 1));
    }
    int shape = NONE;
    if (form == CodeForm.BIASED_BITS) {
      shape = list.size();
      list.add(whole("weight_shape", DType.I64, 2));
    }
    return new WeightParts(List.copyOf(list), 0, 1, zeroPoint, global, shape, form);
  }

  private static CodeForm form(StorageFormat format) {
    return switch (format) {
      case PACK_QUANTIZED -> CodeForm.BIASED_BITS;
      case NVFP4_PACK_QUANTIZED, MXFP4_PACK_QUANTIZED -> CodeForm.BITS;
      case INT_QUANTIZED, FLOAT_QUANTIZED, NAIVE_QUANTIZED, MXFP8_QUANTIZED -> CodeForm.BYTES;
    };
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
