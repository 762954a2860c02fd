package org.sparkao.quant.gguf;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link OffsetFit} of eight groups of 32 values side by side, a lane each: every lane does what
 * that does, in its order. For one thread.
 */
final class VectorOffsetFit {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final int LANES = 8;
  private static final int COUNT = 32;
  private static final float INTEGERS = BlockNumbers.INTEGERS;

  private final OffsetFit.Grid grid;
  private final float[] x = new float[COUNT * LANES];
  private final float[] weights = new float[COUNT * LANES];
  private final float[] codes = new float[COUNT * LANES];
  private final float[] inverses = new float[LANES];
  private final float[] lows = new float[LANES];
  private final boolean[] flat = new boolean[LANES];

  VectorOffsetFit(OffsetFit.Grid grid) {
    this.grid = grid;
  }

  /** Fits 256 values whose weights are their magnitude and that of their group. */
  void fit(float[] values, int from, float[] scales, float[] offsets) {
    for (int g = 0; g < LANES; g++) {
      for (int i = 0; i < COUNT; i++) {
        x[LANES * i + g] = values[from + COUNT * g + i];
      }
    }
    weigh();
    search(scales, offsets);
  }

  /** Large values count more, and all of them more where the group is large. */
  private void weigh() {
    FloatVector squares = FloatVector.zero(FLOATS);
    for (int i = 0; i < x.length; i += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, x, i);
      squares = squares.add(value.mul(value));
    }
    FloatVector mean = squares.div(COUNT).lanewise(VectorOperators.SQRT);
    for (int i = 0; i < x.length; i += LANES) {
      mean.add(FloatVector.fromArray(FLOATS, x, i).abs()).intoArray(weights, i);
    }
  }

  private void search(float[] scales, float[] offsets) {
    FloatVector low = FloatVector.fromArray(FLOATS, x, 0);
    FloatVector most = low;
    FloatVector sumWeights = FloatVector.fromArray(FLOATS, weights, 0);
    FloatVector sumX = sumWeights.mul(low);
    for (int i = LANES; i < x.length; i += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, x, i);
      FloatVector weight = FloatVector.fromArray(FLOATS, weights, i);
      low = low.min(value);
      most = most.max(value);
      sumWeights = sumWeights.add(weight);
      sumX = sumX.add(weight.mul(value));
    }
    low = low.min(0);
    VectorMask<Float> constant = most.compare(VectorOperators.EQ, low);
    FloatVector inverse = FloatVector.broadcast(FLOATS, grid.largest()).div(most.sub(low));
    FloatVector scale = FloatVector.broadcast(FLOATS, 1).div(inverse);
    FloatVector bestInverse = inverse;
    FloatVector bestLow = low;
    round(inverse, low);
    FloatVector best = error(scale, low);
    for (int step = 0; step <= grid.steps(); step++) {
      float numerator = grid.first() + grid.step() * step + grid.largest();
      inverse = FloatVector.broadcast(FLOATS, numerator).div(most.sub(low));
      round(inverse, low);
      FloatVector sumCodes = FloatVector.zero(FLOATS);
      FloatVector sumSquares = FloatVector.zero(FLOATS);
      FloatVector sumProducts = FloatVector.zero(FLOATS);
      for (int i = 0; i < x.length; i += LANES) {
        FloatVector code = FloatVector.fromArray(FLOATS, codes, i);
        FloatVector weighted = FloatVector.fromArray(FLOATS, weights, i).mul(code);
        sumCodes = sumCodes.add(weighted);
        sumSquares = sumSquares.add(weighted.mul(code));
        sumProducts = sumProducts.add(weighted.mul(FloatVector.fromArray(FLOATS, x, i)));
      }
      FloatVector determinant = sumWeights.mul(sumSquares).sub(sumCodes.mul(sumCodes));
      FloatVector newScale = sumWeights.mul(sumProducts).sub(sumX.mul(sumCodes)).div(determinant);
      FloatVector newLow = sumSquares.mul(sumX).sub(sumCodes.mul(sumProducts)).div(determinant);
      VectorMask<Float> above = newLow.compare(VectorOperators.GT, 0);
      newLow = newLow.blend(0, above);
      newScale = newScale.blend(sumProducts.div(sumSquares), above);
      FloatVector error = error(newScale, newLow);
      VectorMask<Float> better =
          determinant.compare(VectorOperators.GT, 0).and(error.compare(VectorOperators.LT, best));
      best = best.blend(error, better);
      scale = scale.blend(newScale, better);
      bestInverse = bestInverse.blend(inverse, better);
      bestLow = bestLow.blend(low, better);
      low = low.blend(newLow, better);
    }
    scale.blend(0, constant).intoArray(scales, 0);
    low.neg().intoArray(offsets, 0);
    bestInverse.intoArray(inverses, 0);
    bestLow.intoArray(lows, 0);
    constant.intoArray(flat, 0);
  }

  /** Codes under some range, as numbers. */
  private void round(FloatVector inverse, FloatVector low) {
    for (int i = 0; i < x.length; i += LANES) {
      FloatVector.fromArray(FLOATS, x, i)
          .sub(low)
          .mul(inverse)
          .add(INTEGERS)
          .sub(INTEGERS)
          .max(0)
          .min(grid.largest())
          .intoArray(codes, i);
    }
  }

  private FloatVector error(FloatVector scale, FloatVector low) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < x.length; i += LANES) {
      FloatVector difference =
          scale
              .mul(FloatVector.fromArray(FLOATS, codes, i))
              .add(low)
              .sub(FloatVector.fromArray(FLOATS, x, i));
      sum = sum.add(FloatVector.fromArray(FLOATS, weights, i).mul(difference.mul(difference)));
    }
    return sum;
  }

  /** The codes of a group that the fit found, to its place. */
  void codes(int group, byte[] out) {
    int at = COUNT * group;
    if (flat[group]) {
      Arrays.fill(out, at, at + COUNT, (byte) 0);
      return;
    }
    for (int i = 0; i < COUNT; i++) {
      float position = inverses[group] * (x[LANES * i + group] - lows[group]);
      out[at + i] = (byte) BlockNumbers.nearest(position, 0, grid.largest());
    }
  }
}
