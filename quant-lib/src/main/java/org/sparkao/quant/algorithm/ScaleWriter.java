package org.sparkao.quant.algorithm;

import java.util.Arrays;
import org.sparkao.quant.algorithm.WeightParts.CodeForm;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.pack.BitPacking;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.scheme.QuantArgs;

/** Writes scales, zero points and the shape of one slice to their places. */
final class ScaleWriter {
  private final QuantizeRequest request;
  private final WeightParts parts;
  private final ScaleGrid grid;
  private final WeightType scaleType;
  private final byte[] zeroPoints;
  private final float global;
  private long rowBegin;
  private byte[][] out;

  /**
   * A writer for one tensor.
   *
   * @param global the fp32 divisor of the tensor, written where the format has one
   */
  ScaleWriter(QuantizeRequest request, WeightParts parts, ScaleGrid grid, float global) {
    this.global = global;
    this.request = request;
    this.parts = parts;
    this.grid = grid;
    this.scaleType =
        request.scheme().weights().scale() == QuantArgs.ScaleKind.WEIGHT_DTYPE
            ? WeightTypes.of(parts.list().get(parts.scale()).dtype())
            : WeightType.F32;
    this.zeroPoints = new byte[grid.groups()];
  }

  /** Begins a slice of {@code rows} rows; writes what belongs to the tensor once. */
  void begin(long rowBegin, int rows, byte[][] out) {
    this.rowBegin = rowBegin;
    this.out = out;
    if (parts.zeroPoint() >= 0) {
      PackedPart part = parts.list().get(parts.zeroPoint());
      int bytes = Math.toIntExact(part.offset(rowBegin + rows) - part.offset(rowBegin));
      Arrays.fill(out[parts.zeroPoint()], 0, bytes, (byte) 0);
    }
    if (parts.global() >= 0 && rowBegin == 0) {
      WeightType.F32.write(global, out[parts.global()], 0);
    }
    if (parts.shape() >= 0 && rowBegin == 0) {
      writeLong(request.weight().rows(), out[parts.shape()], 0);
      writeLong(request.weight().columns(), out[parts.shape()], 8);
    }
  }

  /** Writes the scales that begin with weight row {@code row}. */
  void writeScales(long row, GroupScale[] scales) {
    if (grid.wholeTensor() && row != 0) {
      return;
    }
    PackedPart part = parts.list().get(parts.scale());
    int at = Math.toIntExact(part.offset(row) - part.offset(rowBegin));
    boolean bytes = request.scheme().weights().scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE;
    for (int group = 0; group < scales.length; group++) {
      if (bytes) {
        out[parts.scale()][at + group] = (byte) scales[group].code;
      } else {
        int position = at + group * scaleType.bytes();
        scaleType.write(scales[group].dequantize, out[parts.scale()], position);
      }
    }
    if (parts.zeroPoint() >= 0) {
      writeZeroPoints(row, scales);
    }
  }

  private void writeZeroPoints(long row, GroupScale[] scales) {
    for (int group = 0; group < scales.length; group++) {
      zeroPoints[group] = (byte) scales[group].zeroPoint;
    }
    byte[] target = out[parts.zeroPoint()];
    if (parts.form() == CodeForm.BIASED_BITS) {
      int bits = request.scheme().weights().bits();
      BitPacking.packColumns(zeroPoints, scales.length, bits, row - rowBegin, target, 0);
    } else {
      PackedPart part = parts.list().get(parts.zeroPoint());
      int at = Math.toIntExact(part.offset(row) - part.offset(rowBegin));
      System.arraycopy(zeroPoints, 0, target, at, scales.length);
    }
  }

  private static void writeLong(long value, byte[] target, int offset) {
    for (int i = 0; i < 8; i++) {
      target[offset + i] = (byte) (value >>> 8 * i);
    }
  }
}
