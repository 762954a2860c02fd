package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.WeightType;

/**
 * How wrong a group is under a scale: the sum of |dequantized weight - weight|^norm. Measured twice
 * at once: exactly, and as the reference does, which rounds differences, powers and their sum to
 * the type of the weight, so that candidates may tie.
 */
final class GroupError {
  private static final int BIAS = 127;
  private static final int MANTISSA_BITS = 23;
  private static final int BF16_MAGNITUDES = 1 << 15;

  private final WeightType type;
  private final CodeRule codes;
  private final PlainKernel kernel;
  private final PowerTable power;
  private final PowerTable referencePower;
  private final float[] bf16Powers;
  private final int smallestExponent;
  private final int stepExponent;

  GroupError(WeightType type, CodeRule codes, Quotient quotient, double norm) {
    this.type = type;
    this.codes = codes;
    this.kernel = new PlainKernel(type, codes, quotient);
    this.power = new PowerTable(norm);
    this.referencePower = new PowerTable(type.round((float) norm));
    if (codes.format() instanceof BinaryFloat format) {
      this.smallestExponent = BIAS + Math.getExponent(format.smallestNormal());
      this.stepExponent = MANTISSA_BITS - format.mantissaBits();
    } else {
      // Whole numbers up to 2^7 are evenly spaced, as numbers below 2^8 of 8 mantissa bits are.
      this.smallestExponent = BIAS + Byte.SIZE;
      this.stepExponent = MANTISSA_BITS - Byte.SIZE;
    }
    this.bf16Powers = new float[type == WeightType.BF16 ? BF16_MAGNITUDES : 0];
    for (int i = 0; i < bf16Powers.length; i++) {
      bf16Powers[i] = type.round((float) referencePower.of(Float.intBitsToFloat(i << 16)));
    }
  }

  /** The error of {@code count} values as it is. */
  double measure(float[] values, int count, GroupScale scale) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += power.of(dequantized(values[i], scale) - values[i]);
    }
    return sum;
  }

  /** The same, value i counting {@code weights[i]} times. */
  double measureWeighted(float[] values, float[] weights, GroupScale scale) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += power.of(dequantized(values[i], scale) - values[i]) * weights[i];
    }
    return sum;
  }

  /** The error of {@code count} values as the reference sees it. */
  double measureLikeReference(float[] values, int count, GroupScale scale) {
    if (type == WeightType.F32) {
      return measure(values, count, scale);
    }
    float sum = 0;
    for (int i = 0; i < count; i++) {
      float difference = type.round(dequantized(values[i], scale) - values[i]);
      sum +=
          bf16Powers.length > 0
              ? bf16Powers[Float.floatToRawIntBits(difference) << 1 >>> 17]
              : type.round((float) referencePower.of(difference));
    }
    return type.round(sum);
  }

  private float dequantized(float value, GroupScale scale) {
    float nearest = nearest(kernel.position(value, scale));
    return type.round((nearest - scale.zeroPoint) * scale.dequantize);
  }

  /** The number that the code of a position stands for, without the code. */
  private float nearest(float position) {
    float clamped = Math.max(codes.smallest(), Math.min(codes.largest(), position));
    // The last bit of a sum with this power of two is worth one step of the codes.
    int exponent = Math.max(Float.floatToRawIntBits(clamped) << 1 >>> 24, smallestExponent);
    float rounder = Float.intBitsToFloat(exponent + stepExponent << 23);
    float magnitude = Math.abs(clamped) + rounder - rounder;
    return Math.copySign(magnitude, clamped);
  }
}
