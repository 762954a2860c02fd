package org.sparkao.quant.algorithm;

import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.sparkao.quant.format.WeightType;

/**
 * Arithmetic rounded to the type of the weight. NaN and what rounds to infinity are not handled.
 */
final class VectorRounding {
  private static final int KEPT = 0xFFFF0000;
  private static final int ALMOST_HALF = 0x7FFF;
  private static final int F16_MANTISSA_BITS = 10;
  private static final int F16_SMALLEST_EXPONENT = -14;

  private VectorRounding() {}

  /**
   * values = weights / scale. Adding zero makes negative zero positive, as adding the zero point of
   * symmetric codes does.
   */
  static List<VectorStage> divide(WeightType type) {
    return switch (type) {
      case BF16 -> List.of(VectorRounding::divideBf16);
      case F16 -> List.of(VectorRounding::divideF32, VectorRounding::roundF16);
      case F32 -> List.of(VectorRounding::divideF32);
    };
  }

  /** values = values + zero point. */
  static List<VectorStage> addZeroPoint(WeightType type) {
    return switch (type) {
      case BF16 -> List.of(VectorRounding::add, VectorRounding::roundBf16);
      case F16 -> List.of(VectorRounding::add, VectorRounding::roundF16);
      case F32 -> List.of(VectorRounding::add);
    };
  }

  /** values = values * what a loader multiplies with. */
  static List<VectorStage> dequantize(WeightType type) {
    return switch (type) {
      case BF16 -> List.of(VectorRounding::dequantizeBf16);
      case F16 -> List.of(VectorRounding::dequantizeF32, VectorRounding::roundF16);
      case F32 -> List.of(VectorRounding::dequantizeF32);
    };
  }

  /** values = weights * scale, in fp32. */
  static void multiply(VectorPiece piece) {
    float[] weights = piece.weights;
    float[] values = piece.values;
    float factor = piece.scale.operand;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector.fromArray(VectorLanes.FLOATS, weights, j).mul(factor).intoArray(values, j);
    }
  }

  /** values = weights / scale, in fp32. */
  static void divideKeepingSign(VectorPiece piece) {
    float[] weights = piece.weights;
    float[] values = piece.values;
    float divisor = piece.scale.operand;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector.fromArray(VectorLanes.FLOATS, weights, j).div(divisor).intoArray(values, j);
    }
  }

  /** values = weights * scale, rounded to whole numbers; the product rounded to the type first. */
  static List<VectorStage> multiplyToWhole(WeightType type) {
    return switch (type) {
      case BF16 ->
          List.of(
              VectorRounding::multiply, VectorRounding::roundBf16, VectorRounding::roundToWhole);
      case F16 ->
          List.of(VectorRounding::multiply, VectorRounding::roundF16, VectorRounding::roundToWhole);
      case F32 -> List.of(VectorRounding::multiply, VectorRounding::roundToWhole);
    };
  }

  private static void roundToWhole(VectorPiece piece) {
    float[] values = piece.values;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector.fromArray(VectorLanes.FLOATS, values, j)
          .add(VectorLanes.WHOLE)
          .sub(VectorLanes.WHOLE)
          .intoArray(values, j);
    }
  }

  private static void divideF32(VectorPiece piece) {
    float[] weights = piece.weights;
    float[] values = piece.values;
    float divisor = piece.scale.operand;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector.fromArray(VectorLanes.FLOATS, weights, j)
          .div(divisor)
          .add(0f)
          .intoArray(values, j);
    }
  }

  private static void divideBf16(VectorPiece piece) {
    float[] weights = piece.weights;
    float[] values = piece.values;
    float divisor = piece.scale.operand;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      IntVector bits =
          FloatVector.fromArray(VectorLanes.FLOATS, weights, j).div(divisor).reinterpretAsInts();
      IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
      FloatVector rounded = bits.add(odd).add(ALMOST_HALF).and(KEPT).reinterpretAsFloats();
      rounded.add(0f).intoArray(values, j);
    }
  }

  private static void add(VectorPiece piece) {
    float[] values = piece.values;
    float zeroPoint = piece.scale.zeroPoint;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector.fromArray(VectorLanes.FLOATS, values, j).add(zeroPoint).intoArray(values, j);
    }
  }

  private static void dequantizeF32(VectorPiece piece) {
    float[] values = piece.values;
    float factor = piece.scale.dequantize;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector.fromArray(VectorLanes.FLOATS, values, j).mul(factor).intoArray(values, j);
    }
  }

  private static void dequantizeBf16(VectorPiece piece) {
    float[] values = piece.values;
    float factor = piece.scale.dequantize;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      IntVector bits =
          FloatVector.fromArray(VectorLanes.FLOATS, values, j).mul(factor).reinterpretAsInts();
      IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
      bits.add(odd).add(ALMOST_HALF).and(KEPT).reinterpretAsFloats().intoArray(values, j);
    }
  }

  private static void roundBf16(VectorPiece piece) {
    float[] values = piece.values;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      IntVector bits = FloatVector.fromArray(VectorLanes.FLOATS, values, j).reinterpretAsInts();
      IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
      bits.add(odd).add(ALMOST_HALF).and(KEPT).reinterpretAsFloats().intoArray(values, j);
    }
  }

  /**
   * Adding a large enough power of two makes fp32 round where fp16 ends; adding zero makes negative
   * zero positive.
   */
  private static void roundF16(VectorPiece piece) {
    float[] values = piece.values;
    int count = piece.count;
    int smallest = F16_SMALLEST_EXPONENT + VectorLanes.BIAS << VectorLanes.MANTISSA_BITS;
    int distance = VectorLanes.MANTISSA_BITS - F16_MANTISSA_BITS << VectorLanes.MANTISSA_BITS;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      IntVector bits = FloatVector.fromArray(VectorLanes.FLOATS, values, j).reinterpretAsInts();
      FloatVector rounder =
          bits.and(VectorLanes.EXPONENT).max(smallest).add(distance).reinterpretAsFloats();
      FloatVector magnitude = bits.and(VectorLanes.MAGNITUDE).reinterpretAsFloats();
      IntVector rounded = magnitude.add(rounder).sub(rounder).reinterpretAsInts();
      rounded.or(bits.and(VectorLanes.SIGN)).reinterpretAsFloats().add(0f).intoArray(values, j);
    }
  }
}
