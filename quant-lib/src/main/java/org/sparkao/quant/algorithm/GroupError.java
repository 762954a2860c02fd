package org.sparkao.quant.algorithm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.quant.format.WeightType;

/**
 * How wrong a group is under a scale: the sum of |dequantized weight - weight|^norm. Measured as it
 * is, or as llm-compressor does: differences, the norm, powers and their sum are rounded to the
 * type of the weight, so that candidates may tie.
 */
final class GroupError {
  private static final int PIECE = 512;
  private static final int BF16_MAGNITUDES = 1 << 15;

  private final WeightType type;
  private final GroupDequantizer dequantizer;
  private final PowerTable power;
  private final PowerTable referencePower;
  private final float[] bf16Powers;
  private final float[] dequantized = new float[PIECE];

  GroupError(WeightType type, GroupDequantizer dequantizer, double norm) {
    this.type = type;
    this.dequantizer = dequantizer;
    this.power = new PowerTable(norm);
    this.referencePower = new PowerTable(type.round((float) norm));
    this.bf16Powers = new float[type == WeightType.BF16 ? BF16_MAGNITUDES : 0];
    for (int i = 0; i < bf16Powers.length; i++) {
      bf16Powers[i] = type.round((float) referencePower.of(Float.intBitsToFloat(i << 16)));
    }
  }

  /**
   * What errors are computed with, little endian, for kernels that compute the same: the tables of
   * {@link #measure} and {@link #measureLikeReference}, then fp32 powers of bf16 magnitudes.
   */
  byte[] tables() {
    byte[] bytes = new byte[2 * power.bytes() + Float.BYTES * bf16Powers.length];
    ByteBuffer out = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    power.putTo(out);
    referencePower.putTo(out);
    for (float value : bf16Powers) {
      out.putFloat(value);
    }
    return bytes;
  }

  /** The error of {@code count} values as it is. */
  double measure(float[] values, int count, GroupScale scale) {
    double sum = 0;
    for (int begin = 0; begin < count; begin += PIECE) {
      int piece = Math.min(PIECE, count - begin);
      dequantizer.dequantize(values, begin, piece, scale, dequantized);
      for (int i = 0; i < piece; i++) {
        sum += power.of(dequantized[i] - values[begin + i]);
      }
    }
    return sum;
  }

  /** The same, value i counting {@code weights[i]} times. */
  double measureWeighted(float[] values, float[] weights, int count, GroupScale scale) {
    double sum = 0;
    for (int begin = 0; begin < count; begin += PIECE) {
      int piece = Math.min(PIECE, count - begin);
      dequantizer.dequantize(values, begin, piece, scale, dequantized);
      for (int i = 0; i < piece; i++) {
        sum += power.of(dequantized[i] - values[begin + i]) * weights[begin + i];
      }
    }
    return sum;
  }

  /** The error of {@code count} values as the reference sees it. */
  double measureLikeReference(float[] values, int count, GroupScale scale) {
    if (type == WeightType.F32) {
      return measure(values, count, scale);
    }
    float sum = 0;
    for (int begin = 0; begin < count; begin += PIECE) {
      int piece = Math.min(PIECE, count - begin);
      dequantizer.dequantize(values, begin, piece, scale, dequantized);
      sum =
          type == WeightType.BF16
              ? sumOfBf16(values, begin, piece, sum)
              : sumOfF16(values, begin, piece, sum);
    }
    return type.round(sum);
  }

  /** Differences of bf16 numbers, rounded to bf16, have a table of their powers. */
  private float sumOfBf16(float[] values, int begin, int count, float before) {
    float sum = before;
    for (int i = 0; i < count; i++) {
      int bits = Float.floatToRawIntBits(dequantized[i] - values[begin + i]) & Integer.MAX_VALUE;
      sum += bf16Powers[bits + 0x7FFF + (bits >>> 16 & 1) >>> 16];
    }
    return sum;
  }

  private float sumOfF16(float[] values, int begin, int count, float before) {
    float sum = before;
    for (int i = 0; i < count; i++) {
      float difference = type.round(dequantized[i] - values[begin + i]);
      sum += type.round((float) referencePower.of(difference));
    }
    return sum;
  }
}
