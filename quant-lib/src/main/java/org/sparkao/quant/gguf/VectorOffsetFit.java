package org.sparkao.quant.gguf;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link OffsetFit} of eight groups of 32 values side by side, a lane each: every lane does what
 * that does, in its order. What one step leaves for the next is in arrays, and sums are the second
 * operand: HotSpot 17 makes objects of other vectors that live on. For one thread.
 */
final class VectorOffsetFit {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final int LANES = 8;
  private static final int COUNT = 32;
  private static final int SIZE = COUNT * LANES;
  private static final float INTEGERS = BlockNumbers.INTEGERS;

  private final OffsetFit.Grid grid;
  private final float[] x = new float[SIZE];
  private final float[] weights = new float[SIZE];
  private final float[] codes = new float[SIZE];

  // By lane: of the group, of the trial, and of the best trial.
  private final float[] most = new float[LANES];
  private final float[] sumWeights = new float[LANES];
  private final float[] sumX = new float[LANES];
  private final float[] inverse = new float[LANES];
  private final float[] sumCodes = new float[LANES];
  private final float[] sumSquares = new float[LANES];
  private final float[] sumProducts = new float[LANES];
  private final float[] determinant = new float[LANES];
  private final float[] newScale = new float[LANES];
  private final float[] newLow = new float[LANES];
  private final float[] error = new float[LANES];
  private final float[] best = new float[LANES];
  private final float[] bestScale = new float[LANES];
  private final float[] bestInverse = new float[LANES];
  private final float[] bestLow = new float[LANES];
  private final float[] low = new float[LANES];

  VectorOffsetFit(OffsetFit.Grid grid) {
    this.grid = grid;
  }

  /** Fits 256 values whose weights are their magnitude and that of their group. */
  void fit(float[] values, int from, float[] scales, float[] offsets) {
    for (int i = 0; i < COUNT; i++) {
      for (int g = 0; g < LANES; g++) {
        x[LANES * i + g] = values[from + COUNT * g + i];
      }
    }
    weigh();
    sum();
    begin();
    for (int step = 0; step <= grid.steps(); step++) {
      round(grid.first() + grid.step() * step + grid.largest());
      solve();
      measure();
      keep();
    }
    for (int g = 0; g < LANES; g++) {
      scales[g] = flat(g) ? 0 : bestScale[g];
      offsets[g] = -low[g];
    }
  }

  /** Large values count more, and all of them more where the group is large. */
  private void weigh() {
    FloatVector squares = FloatVector.zero(FLOATS);
    for (int i = 0; i < SIZE; i += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, x, i);
      squares = value.mul(value).add(squares);
    }
    FloatVector.zero(FLOATS)
        .add(squares)
        .div(COUNT)
        .lanewise(VectorOperators.SQRT)
        .intoArray(error, 0);
    FloatVector mean = FloatVector.fromArray(FLOATS, error, 0);
    for (int i = 0; i < SIZE; i += LANES) {
      FloatVector.fromArray(FLOATS, x, i).abs().add(mean).intoArray(weights, i);
    }
  }

  /** Smallest, which is not above zero, and largest values; sums. */
  private void sum() {
    FloatVector least = FloatVector.zero(FLOATS);
    FloatVector largest = FloatVector.fromArray(FLOATS, x, 0);
    FloatVector sumOfWeights = FloatVector.fromArray(FLOATS, weights, 0);
    FloatVector sum =
        FloatVector.fromArray(FLOATS, x, 0).mul(FloatVector.fromArray(FLOATS, weights, 0));
    for (int i = 0; i < SIZE; i += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, x, i);
      least = value.min(least);
      largest = value.max(largest);
    }
    for (int i = LANES; i < SIZE; i += LANES) {
      FloatVector weight = FloatVector.fromArray(FLOATS, weights, i);
      sumOfWeights = weight.add(sumOfWeights);
      sum = FloatVector.fromArray(FLOATS, x, i).mul(weight).add(sum);
    }
    FloatVector.zero(FLOATS).min(least).intoArray(low, 0);
    FloatVector.broadcast(FLOATS, -Float.MAX_VALUE).max(largest).intoArray(most, 0);
    FloatVector.zero(FLOATS).add(sumOfWeights).intoArray(sumWeights, 0);
    FloatVector.zero(FLOATS).add(sum).intoArray(sumX, 0);
  }

  /** The whole range is the first to beat. */
  private void begin() {
    round(grid.largest());
    for (int g = 0; g < LANES; g++) {
      newScale[g] = 1 / inverse[g];
      newLow[g] = low[g];
    }
    measure();
    System.arraycopy(error, 0, best, 0, LANES);
    System.arraycopy(newScale, 0, bestScale, 0, LANES);
    System.arraycopy(inverse, 0, bestInverse, 0, LANES);
    System.arraycopy(low, 0, bestLow, 0, LANES);
  }

  /** Codes, as numbers, of a range of {@code numerator} steps, and their sums. */
  private void round(float numerator) {
    int largest = BlockNumbers.INTEGER_ZERO + grid.largest();
    FloatVector lows = FloatVector.fromArray(FLOATS, low, 0);
    FloatVector.broadcast(FLOATS, numerator)
        .div(FloatVector.fromArray(FLOATS, most, 0).sub(lows))
        .intoArray(inverse, 0);
    FloatVector inverses = FloatVector.fromArray(FLOATS, inverse, 0);
    FloatVector all = FloatVector.zero(FLOATS);
    FloatVector squares = FloatVector.zero(FLOATS);
    FloatVector products = FloatVector.zero(FLOATS);
    for (int i = 0; i < SIZE; i += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, x, i);
      FloatVector code =
          value
              .sub(lows)
              .mul(inverses)
              .add(INTEGERS)
              .reinterpretAsInts()
              .and(BlockNumbers.INTEGER)
              .max(BlockNumbers.INTEGER_ZERO)
              .min(largest)
              .or(BlockNumbers.INTEGER_EXPONENT)
              .reinterpretAsFloats()
              .sub(INTEGERS);
      code.intoArray(codes, i);
      FloatVector weighted = FloatVector.fromArray(FLOATS, weights, i).mul(code);
      all = weighted.add(all);
      squares = weighted.mul(code).add(squares);
      products = weighted.mul(value).add(products);
    }
    FloatVector.zero(FLOATS).add(all).intoArray(sumCodes, 0);
    FloatVector.zero(FLOATS).add(squares).intoArray(sumSquares, 0);
    FloatVector.zero(FLOATS).add(products).intoArray(sumProducts, 0);
  }

  /** Scale and smallest value of least squares for the codes. */
  private void solve() {
    FloatVector all = FloatVector.fromArray(FLOATS, sumCodes, 0);
    FloatVector squares = FloatVector.fromArray(FLOATS, sumSquares, 0);
    FloatVector products = FloatVector.fromArray(FLOATS, sumProducts, 0);
    FloatVector weight = FloatVector.fromArray(FLOATS, sumWeights, 0);
    FloatVector sum = FloatVector.fromArray(FLOATS, sumX, 0);
    FloatVector divisor = weight.mul(squares).sub(all.mul(all));
    FloatVector lows = squares.mul(sum).sub(all.mul(products)).div(divisor);
    FloatVector scale = weight.mul(products).sub(sum.mul(all)).div(divisor);
    VectorMask<Float> above = lows.compare(VectorOperators.GT, 0);
    divisor.intoArray(determinant, 0);
    lows.blend(FloatVector.zero(FLOATS), above).intoArray(newLow, 0);
    scale.blend(products.div(squares), above).intoArray(newScale, 0);
  }

  /** The weighted error of the codes. */
  private void measure() {
    FloatVector scale = FloatVector.fromArray(FLOATS, newScale, 0);
    FloatVector lows = FloatVector.fromArray(FLOATS, newLow, 0);
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < SIZE; i += LANES) {
      FloatVector difference =
          FloatVector.fromArray(FLOATS, codes, i)
              .mul(scale)
              .add(lows)
              .sub(FloatVector.fromArray(FLOATS, x, i));
      sum = difference.mul(difference).mul(FloatVector.fromArray(FLOATS, weights, i)).add(sum);
    }
    FloatVector.zero(FLOATS).add(sum).intoArray(error, 0);
  }

  /** Keeps what is better, in the lanes where it is. */
  private void keep() {
    FloatVector before = FloatVector.fromArray(FLOATS, best, 0);
    FloatVector sum =
        FloatVector.broadcast(FLOATS, Float.POSITIVE_INFINITY)
            .blend(
                FloatVector.fromArray(FLOATS, error, 0),
                FloatVector.fromArray(FLOATS, determinant, 0).compare(VectorOperators.GT, 0));
    VectorMask<Float> better = sum.compare(VectorOperators.LT, before);
    before.blend(sum, better).intoArray(best, 0);
    FloatVector.fromArray(FLOATS, bestScale, 0)
        .blend(FloatVector.fromArray(FLOATS, newScale, 0), better)
        .intoArray(bestScale, 0);
    FloatVector.fromArray(FLOATS, bestInverse, 0)
        .blend(FloatVector.fromArray(FLOATS, inverse, 0), better)
        .intoArray(bestInverse, 0);
    FloatVector lows = FloatVector.fromArray(FLOATS, low, 0);
    FloatVector.fromArray(FLOATS, bestLow, 0).blend(lows, better).intoArray(bestLow, 0);
    lows.blend(FloatVector.fromArray(FLOATS, newLow, 0), better).intoArray(low, 0);
  }

  /** Whether a group is constant and not above zero. */
  private boolean flat(int group) {
    return bestInverse[group] == Float.POSITIVE_INFINITY;
  }

  /** The codes of a group that the fit found, to its place. */
  void codes(int group, byte[] out) {
    int at = COUNT * group;
    if (flat(group)) {
      Arrays.fill(out, at, at + COUNT, (byte) 0);
      return;
    }
    for (int i = 0; i < COUNT; i++) {
      float position = bestInverse[group] * (x[LANES * i + group] - bestLow[group]);
      out[at + i] = (byte) BlockNumbers.nearest(position, 0, grid.largest());
    }
  }
}
