package org.sparkao.quant.algorithm;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Stages that do for bf16, the usual type of weights, what takes several stages in general. */
final class VectorBf16 {
  private static final int KEPT = 0xFFFF0000;
  private static final int ALMOST_HALF = 0x7FFF;

  private VectorBf16() {}

  /** Reads weights, divides them by the scale and rounds to bf16. */
  static void readAndDivide(VectorPiece piece) {
    byte[] source = piece.source;
    int offset = piece.offset;
    float[] weights = piece.weights;
    float[] values = piece.values;
    int count = piece.count;
    FloatVector divisor = FloatVector.broadcast(VectorLanes.FLOATS, piece.scale.operand);
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector weight =
          ShortVector.fromByteArray(
                  VectorLanes.EIGHT_SHORTS, source, offset + 2 * j, ByteOrder.LITTLE_ENDIAN)
              .convertShape(VectorOperators.S2I, VectorLanes.INTS, 0)
              .reinterpretAsInts()
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats();
      weight.intoArray(weights, j);
      IntVector bits = weight.div(divisor).reinterpretAsInts();
      IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
      FloatVector rounded = bits.add(odd).add(ALMOST_HALF).and(KEPT).reinterpretAsFloats();
      rounded.add(0f).intoArray(values, j);
    }
  }

  /** Multiplies what codes stand for with the scale, rounds to bf16, and adds the errors. */
  static void dequantizeAndAdd(VectorPiece piece) {
    float[] weights = piece.weights;
    float[] values = piece.values;
    ErrorSums sums = piece.sums;
    int count = piece.count;
    FloatVector factor = FloatVector.broadcast(VectorLanes.FLOATS, piece.scale.dequantize);
    FloatVector signal = FloatVector.fromArray(VectorLanes.FLOATS, sums.signal, 0);
    FloatVector noise = FloatVector.fromArray(VectorLanes.FLOATS, sums.noise, 0);
    FloatVector absolute = FloatVector.fromArray(VectorLanes.FLOATS, sums.absolute, 0);
    IntVector largest = IntVector.fromArray(VectorLanes.INTS, sums.largestBits, 0);
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector weight = FloatVector.fromArray(VectorLanes.FLOATS, weights, j);
      IntVector bits =
          FloatVector.fromArray(VectorLanes.FLOATS, values, j).mul(factor).reinterpretAsInts();
      IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
      FloatVector error =
          weight.sub(bits.add(odd).add(ALMOST_HALF).and(KEPT).reinterpretAsFloats());
      IntVector distance = error.reinterpretAsInts().and(VectorLanes.MAGNITUDE);
      signal = weight.mul(weight).add(signal);
      noise = error.mul(error).add(noise);
      absolute = distance.reinterpretAsFloats().add(absolute);
      largest = distance.max(largest);
    }
    // None of the sums is negative zero, so that adding zero changes nothing.
    FloatVector.zero(VectorLanes.FLOATS).add(signal).intoArray(sums.signal, 0);
    FloatVector.zero(VectorLanes.FLOATS).add(noise).intoArray(sums.noise, 0);
    FloatVector.zero(VectorLanes.FLOATS).add(absolute).intoArray(sums.absolute, 0);
    IntVector.zero(VectorLanes.INTS).max(largest).intoArray(sums.largestBits, 0);
  }
}
