package org.sparkao.quant.algorithm;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Adds the errors of dequantized weights to sums. */
final class VectorErrors {
  private VectorErrors() {}

  /** Adds the distances of values from weights. */
  static void add(VectorPiece piece) {
    float[] weights = piece.weights;
    float[] dequantized = piece.values;
    ErrorSums sums = piece.sums;
    int count = piece.count;
    FloatVector signal = FloatVector.fromArray(VectorLanes.FLOATS, sums.signal, 0);
    FloatVector noise = FloatVector.fromArray(VectorLanes.FLOATS, sums.noise, 0);
    FloatVector absolute = FloatVector.fromArray(VectorLanes.FLOATS, sums.absolute, 0);
    IntVector largest = IntVector.fromArray(VectorLanes.INTS, sums.largestBits, 0);
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector weight = FloatVector.fromArray(VectorLanes.FLOATS, weights, j);
      FloatVector error = weight.sub(FloatVector.fromArray(VectorLanes.FLOATS, dequantized, j));
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
