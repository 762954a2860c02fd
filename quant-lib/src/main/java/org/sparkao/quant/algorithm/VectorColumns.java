package org.sparkao.quant.algorithm;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.sparkao.quant.algorithm.WeightGrid.GridScales;
import org.sparkao.quant.algorithm.WeightGrid.Rounded;
import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.WeightType;

/** {@link PlainColumns}, eight rows at a time. */
final class VectorColumns implements ColumnRounding {
  private static final int ALMOST_HALF = 0x7FFF;
  private static final int KEPT = 0xFFFF0000;

  private final WeightType type;
  private final CodeRule rule;
  private final int smallestExponent;
  private final int stepExponent;

  VectorColumns(WeightType type, CodeRule rule) {
    this.type = type;
    this.rule = rule;
    int bias = VectorLanes.BIAS;
    int bits = VectorLanes.MANTISSA_BITS;
    if (rule.format() instanceof BinaryFloat format) {
      this.smallestExponent = bias + Math.getExponent(format.smallestNormal()) << bits;
      this.stepExponent = bits - format.mantissaBits() << bits;
    } else {
      // Whole numbers up to 2^7 are evenly spaced, as numbers below 2^8 of 8 mantissa bits are.
      this.smallestExponent = bias + Byte.SIZE << bits;
      this.stepExponent = bits - Byte.SIZE << bits;
    }
  }

  @Override
  public long round(float[] weights, int count, GridScales scales, int first, Rounded out) {
    float[] operands = scales.operand;
    float[] factors = scales.dequantize;
    float[] zeroPoints = scales.zeroPoint;
    float[] steps = out.steps;
    int to = out.stepsAt;
    float[] values = out.values;
    float smallest = rule.smallest();
    float largest = rule.largest();
    float below = rule.clippedBelow();
    float above = rule.clippedAbove();
    long clipped = 0;
    for (int i = 0; i < count; i += VectorLanes.LANES) {
      FloatVector zeroPoint = FloatVector.fromArray(VectorLanes.FLOATS, zeroPoints, first + i);
      FloatVector position =
          FloatVector.fromArray(VectorLanes.FLOATS, weights, i)
              .div(FloatVector.fromArray(VectorLanes.FLOATS, operands, first + i))
              .add(zeroPoint);
      clipped +=
          position
              .compare(VectorOperators.LT, below)
              .or(position.compare(VectorOperators.GT, above))
              .trueCount();
      IntVector clamped = position.max(smallest).min(largest).reinterpretAsInts();
      // The last bit of a sum with this power of two is worth one step of the codes.
      FloatVector rounder =
          clamped
              .and(VectorLanes.EXPONENT)
              .max(smallestExponent)
              .add(stepExponent)
              .reinterpretAsFloats();
      IntVector magnitude =
          clamped
              .and(VectorLanes.MAGNITUDE)
              .reinterpretAsFloats()
              .add(rounder)
              .sub(rounder)
              .reinterpretAsInts();
      FloatVector step = magnitude.or(clamped.and(VectorLanes.SIGN)).reinterpretAsFloats();
      step.intoArray(steps, to + i);
      step.sub(zeroPoint)
          .mul(FloatVector.fromArray(VectorLanes.FLOATS, factors, first + i))
          .intoArray(values, i);
    }
    roundToType(values, count);
    return clipped;
  }

  private void roundToType(float[] values, int count) {
    switch (type) {
      case F32 -> {}
      case BF16 -> {
        for (int i = 0; i < count; i += VectorLanes.LANES) {
          IntVector bits = FloatVector.fromArray(VectorLanes.FLOATS, values, i).reinterpretAsInts();
          IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
          IntVector kept = bits.add(odd).add(ALMOST_HALF).and(KEPT);
          kept.reinterpretAsFloats().intoArray(values, i);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = type.round(values[i]);
        }
      }
    }
  }
}
