package org.sparkao.quant.gguf;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link SymmetricFit} of eight groups of 16 values side by side, a lane each, weighted by x^2:
 * every lane does what that does, in its order. Written as {@link VectorOffsetFit} is. For one
 * thread.
 */
final class VectorSymmetricFit {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final int LANES = 8;
  private static final int COUNT = 16;
  private static final int SIZE = COUNT * LANES;
  private static final int TRIALS = 9;
  private static final float INTEGERS = BlockNumbers.INTEGERS;

  private final int middle;
  private final float[] x = new float[SIZE];
  private final float[] squares = new float[SIZE];
  private final float[] cubes = new float[SIZE];

  // By lane: of the group, of the trial, and of the best trial.
  private final float[] extreme = new float[LANES];
  private final float[] inverse = new float[LANES];
  private final float[] sumProducts = new float[LANES];
  private final float[] sumSquares = new float[LANES];
  private final float[] best = new float[LANES];
  private final float[] bestScale = new float[LANES];
  private final float[] bestInverse = new float[LANES];

  VectorSymmetricFit(int middle) {
    this.middle = middle;
  }

  /** Fits 128 values, and puts the scales of their groups from {@code at} on. */
  void fit(float[] values, int from, float[] scales, int at) {
    for (int i = 0; i < COUNT; i++) {
      for (int g = 0; g < LANES; g++) {
        x[LANES * i + g] = values[from + COUNT * g + i];
      }
    }
    prepare();
    // The plain one first: its scale stands even where nothing is explained.
    round(-middle);
    for (int g = 0; g < LANES; g++) {
      bestScale[g] = sumSquares[g] == 0 ? 0 : sumProducts[g] / sumSquares[g];
      best[g] = bestScale[g] * sumProducts[g];
      bestInverse[g] = inverse[g];
    }
    for (int i = -TRIALS; i <= TRIALS; i++) {
      if (i != 0) {
        round(-(middle + 0.1f * i));
        keep();
      }
    }
    for (int g = 0; g < LANES; g++) {
      scales[at + g] = zero(g) ? 0 : bestScale[g];
    }
  }

  /** Values of largest magnitude, the first of several; weights, and weights by values. */
  private void prepare() {
    FloatVector.zero(FLOATS).intoArray(extreme, 0);
    for (int i = 0; i < SIZE; i += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, x, i);
      FloatVector before = FloatVector.fromArray(FLOATS, extreme, 0);
      VectorMask<Float> larger = value.abs().compare(VectorOperators.GT, before.abs());
      before.blend(value, larger).intoArray(extreme, 0);
      FloatVector square = value.mul(value);
      square.intoArray(squares, i);
      square.mul(value).intoArray(cubes, i);
    }
  }

  /** Sums over the codes of a range of {@code numerator} steps to the extreme. */
  private void round(float numerator) {
    int low = BlockNumbers.INTEGER_ZERO - middle;
    int high = BlockNumbers.INTEGER_ZERO + middle - 1;
    FloatVector.broadcast(FLOATS, numerator)
        .div(FloatVector.fromArray(FLOATS, extreme, 0))
        .intoArray(inverse, 0);
    FloatVector inverses = FloatVector.fromArray(FLOATS, inverse, 0);
    FloatVector productsOfCodes = FloatVector.zero(FLOATS);
    FloatVector squaresOfCodes = FloatVector.zero(FLOATS);
    for (int i = 0; i < SIZE; i += LANES) {
      FloatVector code =
          FloatVector.fromArray(FLOATS, x, i)
              .mul(inverses)
              .add(INTEGERS)
              .reinterpretAsInts()
              .and(BlockNumbers.INTEGER)
              .max(low)
              .min(high)
              .or(BlockNumbers.INTEGER_EXPONENT)
              .reinterpretAsFloats()
              .sub(INTEGERS);
      productsOfCodes = FloatVector.fromArray(FLOATS, cubes, i).mul(code).add(productsOfCodes);
      squaresOfCodes =
          FloatVector.fromArray(FLOATS, squares, i).mul(code).mul(code).add(squaresOfCodes);
    }
    FloatVector.zero(FLOATS).add(productsOfCodes).intoArray(sumProducts, 0);
    FloatVector.zero(FLOATS).add(squaresOfCodes).intoArray(sumSquares, 0);
  }

  /**
   * Keeps what is better, in the lanes where it is. Without squares there are no products either,
   * and zero is not more than zero.
   */
  private void keep() {
    FloatVector products = FloatVector.fromArray(FLOATS, sumProducts, 0);
    FloatVector sum = FloatVector.fromArray(FLOATS, sumSquares, 0);
    FloatVector before = FloatVector.fromArray(FLOATS, best, 0);
    VectorMask<Float> better = products.mul(products).compare(VectorOperators.GT, before.mul(sum));
    FloatVector scale = products.div(sum);
    before.blend(scale.mul(products), better).intoArray(best, 0);
    FloatVector.fromArray(FLOATS, bestScale, 0).blend(scale, better).intoArray(bestScale, 0);
    FloatVector.fromArray(FLOATS, bestInverse, 0)
        .blend(FloatVector.fromArray(FLOATS, inverse, 0), better)
        .intoArray(bestInverse, 0);
  }

  private boolean zero(int group) {
    return Math.abs(extreme[group]) < BlockNumbers.ZERO;
  }

  /** The codes, from 0 on, of a group of the eight that the fit found, to {@code at}. */
  void codes(int group, byte[] out, int at) {
    if (zero(group)) {
      Arrays.fill(out, at, at + COUNT, (byte) 0);
      return;
    }
    for (int i = 0; i < COUNT; i++) {
      float position = bestInverse[group] * x[LANES * i + group];
      out[at + i] = (byte) (BlockNumbers.nearest(position, -middle, middle - 1) + middle);
    }
  }
}
