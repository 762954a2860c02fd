package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.pack.PackedPart;

/** The parts of a quantized weight: which is what, and how much of it a slice fills. */
final class OutputParts {
  private static final int CODES = 0;
  private static final int SCALE = 1;

  private final WeightSpec weight;
  private final List<PackedPart> list;
  private final int sliceRowMultiple;

  /**
   * The parts of a weight.
   *
   * @param list as {@code Quantizers.parts} gives them: codes first, then scales
   * @param wholeTensor whether one scale serves all, so that slices may begin anywhere
   */
  OutputParts(WeightSpec weight, List<PackedPart> list, boolean wholeTensor) {
    this.weight = weight;
    this.list = list;
    this.sliceRowMultiple =
        wholeTensor
            ? 1
            : list.stream()
                .mapToInt(PackedPart::rowsPerStep)
                .filter(rows -> rows != Integer.MAX_VALUE)
                .reduce(1, OutputParts::leastCommonMultiple);
  }

  List<PackedPart> list() {
    return list;
  }

  int sliceRowMultiple() {
    return sliceRowMultiple;
  }

  int codes() {
    return CODES;
  }

  int scale() {
    return SCALE;
  }

  int zeroPoint() {
    return index("weight_zero_point");
  }

  int global() {
    return index("weight_global_scale");
  }

  void checkBegin(long rowBegin) {
    if (rowBegin % sliceRowMultiple != 0) {
      throw new IllegalArgumentException(
          "slice begins at row " + rowBegin + ", not a multiple of " + sliceRowMultiple);
    }
  }

  /** Bytes of a part that rows [rowBegin, rowBegin + rows) fill. */
  int bytes(int part, long rowBegin, int rows) {
    PackedPart packed = list.get(part);
    return Math.toIntExact(packed.offset(rowBegin + rows) - packed.offset(rowBegin));
  }

  /** Writes the shape of the weight where the format stores it. */
  void writeShape(byte[][] out) {
    for (int i = 0; i < list.size(); i++) {
      if (list.get(i).suffix().equals("weight_shape")) {
        ByteBuffer.wrap(out[i])
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(weight.rows())
            .putLong(weight.columns());
      }
    }
  }

  private int index(String suffix) {
    return IntStream.range(0, list.size())
        .filter(i -> list.get(i).suffix().equals(suffix))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no part " + suffix));
  }

  private static int leastCommonMultiple(int a, int b) {
    int divisor = a;
    for (int rest = b; rest != 0; ) {
      int next = divisor % rest;
      divisor = rest;
      rest = next;
    }
    return Math.multiplyExact(a / divisor, b);
  }
}
