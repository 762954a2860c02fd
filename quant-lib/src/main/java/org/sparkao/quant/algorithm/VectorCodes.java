package org.sparkao.quant.algorithm;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Rounds quotients to codes, and replaces them by the numbers that the codes stand for. */
final class VectorCodes {
  private static final int E4M3_MANTISSA_BITS = 3;
  private static final int E4M3_SMALLEST_EXPONENT = -6;
  private static final int E2M1_MANTISSA_BITS = 1;
  private static final int E2M1_SMALLEST_EXPONENT = 0;

  private VectorCodes() {}

  /** The stage for a rule. */
  static VectorStage of(CodeRule rule) {
    if (rule.integer()) {
      return VectorCodes::integers;
    }
    return rule.format().bits() == 8 ? VectorCodes::e4m3 : VectorCodes::e2m1;
  }

  /** e4m3fn, of magnitudes that round to at most 448. */
  private static void e4m3(VectorPiece piece) {
    floats(piece, E4M3_MANTISSA_BITS, E4M3_SMALLEST_EXPONENT);
  }

  /** e2m1, of magnitudes that round to at most 6. */
  private static void e2m1(VectorPiece piece) {
    floats(piece, E2M1_MANTISSA_BITS, E2M1_SMALLEST_EXPONENT);
  }

  /**
   * Adding a power of two of the same sign that is large enough for the exponent of a number makes
   * fp32 round where the format ends. The low bits of the sum then count steps of that exponent, on
   * top of the codes of all smaller exponents.
   */
  private static void floats(VectorPiece piece, int mantissaBits, int smallestExponent) {
    float[] quotients = piece.values;
    byte[] codes = piece.codes;
    int codeOffset = piece.codeOffset;
    int count = piece.count;
    int dropped = VectorLanes.MANTISSA_BITS - mantissaBits;
    int smallest = smallestExponent + VectorLanes.BIAS << VectorLanes.MANTISSA_BITS;
    int distance = dropped << VectorLanes.MANTISSA_BITS;
    int signShift = 32 - (mantissaBits == E4M3_MANTISSA_BITS ? 8 : 4);
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector quotient = FloatVector.fromArray(VectorLanes.FLOATS, quotients, j);
      IntVector bits = quotient.reinterpretAsInts();
      IntVector exponent = bits.and(VectorLanes.EXPONENT).max(smallest);
      IntVector sign = bits.and(VectorLanes.SIGN);
      IntVector base = exponent.add(distance).or(sign);
      FloatVector sum = quotient.add(base.reinterpretAsFloats());
      sum.sub(base.reinterpretAsFloats()).intoArray(quotients, j);
      IntVector below = exponent.sub(smallest).lanewise(VectorOperators.LSHR, dropped);
      ((ByteVector)
              sum.reinterpretAsInts()
                  .sub(base)
                  .add(below)
                  .or(sign.lanewise(VectorOperators.LSHR, signShift))
                  .convertShape(VectorOperators.I2B, VectorLanes.EIGHT_BYTES, 0))
          .intoArray(codes, codeOffset + j);
    }
  }

  /** Integers, of magnitudes below 2^22; counts those that were out of range. */
  private static void integers(VectorPiece piece) {
    float[] quotients = piece.values;
    byte[] codes = piece.codes;
    int codeOffset = piece.codeOffset;
    int count = piece.count;
    int zeroPoint = piece.scale.zeroPoint;
    int smallest = (int) piece.rule.smallest();
    int largest = (int) piece.rule.largest();
    IntVector clipped = IntVector.zero(VectorLanes.INTS);
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      IntVector rounded =
          FloatVector.fromArray(VectorLanes.FLOATS, quotients, j)
              .add(VectorLanes.WHOLE)
              .reinterpretAsInts()
              .sub(Float.floatToRawIntBits(VectorLanes.WHOLE));
      IntVector code = rounded.max(smallest).min(largest);
      clipped = rounded.sub(code).lanewise(VectorOperators.ABS).min(1).add(clipped);
      ((FloatVector) code.sub(zeroPoint).convert(VectorOperators.I2F, 0)).intoArray(quotients, j);
      ((ByteVector) code.convertShape(VectorOperators.I2B, VectorLanes.EIGHT_BYTES, 0))
          .intoArray(codes, codeOffset + j);
    }
    piece.sums.clipped +=
        IntVector.zero(VectorLanes.INTS).add(clipped).reduceLanes(VectorOperators.ADD);
  }
}
