package org.sparkao.quant.gguf;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link SymmetricFit} of eight groups of 16 values side by side, a lane each, weighted by x^2:
 * every lane does what that does, in its order. For one thread.
 */
final class VectorSymmetricFit {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final int LANES = 8;
  private static final int COUNT = 16;
  private static final int TRIALS = 9;
  private static final float INTEGERS = BlockNumbers.INTEGERS;

  private final int middle;
  private final float[] x = new float[COUNT * LANES];
  private final float[] inverses = new float[LANES];
  private final boolean[] zeros = new boolean[LANES];

  VectorSymmetricFit(int middle) {
    this.middle = middle;
  }

  /** Fits 128 values, and puts the scales of their groups from {@code at} on. */
  void fit(float[] values, int from, float[] scales, int at) {
    for (int g = 0; g < LANES; g++) {
      for (int i = 0; i < COUNT; i++) {
        x[LANES * i + g] = values[from + COUNT * g + i];
      }
    }
    FloatVector extreme = extreme();
    VectorMask<Float> zero = extreme.abs().compare(VectorOperators.LT, BlockNumbers.ZERO);
    FloatVector scale = FloatVector.zero(FLOATS);
    FloatVector best = scale;
    FloatVector bestInverse = scale;
    for (int i = -TRIALS - 1; i <= TRIALS; i++) {
      boolean first = i < -TRIALS;
      if (i == 0) {
        continue;
      }
      float numerator = -(middle + 0.1f * (first ? 0 : i));
      FloatVector inverse = FloatVector.broadcast(FLOATS, numerator).div(extreme);
      FloatVector products = FloatVector.zero(FLOATS);
      FloatVector squares = FloatVector.zero(FLOATS);
      for (int k = 0; k < x.length; k += LANES) {
        FloatVector value = FloatVector.fromArray(FLOATS, x, k);
        FloatVector code =
            inverse.mul(value).add(INTEGERS).sub(INTEGERS).max(-middle).min(middle - 1);
        FloatVector weight = value.mul(value);
        products = products.add(weight.mul(value).mul(code));
        squares = squares.add(weight.mul(code).mul(code));
      }
      VectorMask<Float> some = squares.compare(VectorOperators.GT, 0);
      FloatVector newScale = products.div(squares);
      VectorMask<Float> better =
          some.and(products.mul(products).compare(VectorOperators.GT, best.mul(squares)));
      if (first) {
        // It stands even where nothing is explained.
        scale = FloatVector.zero(FLOATS).blend(newScale, some);
        best = scale.mul(products);
        bestInverse = inverse;
      } else {
        scale = scale.blend(newScale, better);
        best = best.blend(newScale.mul(products), better);
        bestInverse = bestInverse.blend(inverse, better);
      }
    }
    scale.blend(0, zero).intoArray(scales, at);
    bestInverse.intoArray(inverses, 0);
    zero.intoArray(zeros, 0);
  }

  /** The values of largest magnitude, the first of several. */
  private FloatVector extreme() {
    FloatVector extreme = FloatVector.zero(FLOATS);
    FloatVector magnitude = extreme;
    for (int k = 0; k < x.length; k += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, x, k);
      VectorMask<Float> larger = value.abs().compare(VectorOperators.GT, magnitude);
      extreme = extreme.blend(value, larger);
      magnitude = magnitude.blend(value.abs(), larger);
    }
    return extreme;
  }

  /** The codes, from 0 on, of a group of the eight that the fit found, to {@code at}. */
  void codes(int group, byte[] out, int at) {
    if (zeros[group]) {
      Arrays.fill(out, at, at + COUNT, (byte) 0);
      return;
    }
    for (int i = 0; i < COUNT; i++) {
      float position = inverses[group] * x[LANES * i + group];
      out[at + i] = (byte) (BlockNumbers.nearest(position, -middle, middle - 1) + middle);
    }
  }
}
