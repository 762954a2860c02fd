package org.sparkao.quant.gguf;

import java.util.Arrays;

/**
 * Scale and offset of a group, x = scale q - offset, that make the weighted error small: codes are
 * tried on a grid of ranges, and for each the weighted least squares are solved for both numbers.
 * The offset is never negative. For one thread.
 */
final class OffsetFit {
  private static final int MOST_VALUES = 32;

  /** What an error counts as. */
  enum Measure {
    ABSOLUTE,
    SQUARED
  }

  /**
   * The grid.
   *
   * @param largest code
   * @param first what is added to it in the first trial
   * @param step from one trial to the next
   * @param steps trials after the first
   */
  record Grid(int largest, float first, float step, int steps, Measure measure) {

    /** The one for weights by importance. */
    static Grid weighted(int largest) {
      return new Grid(largest, -0.9f, 0.05f, 36, Measure.SQUARED);
    }
  }

  private final Grid grid;
  private final float[] weights;
  private final byte[] trial = new byte[MOST_VALUES];
  private float scale;
  private float low;
  private float best;

  /** A fit whose caller fills {@code weights}, one a value of the group, before each call. */
  OffsetFit(Grid grid, float[] weights) {
    this.grid = grid;
    this.weights = weights;
  }

  /** The offset of the last fit. */
  float offset() {
    return -low;
  }

  /**
   * Fits a group and leaves its codes at its place in {@code codes}.
   *
   * @param base where the group's block begins in {@code x}, and {@code group} within it
   * @return the scale; 0 for a group that is constant and not below zero
   */
  float fit(float[] x, int base, byte[] codes, int group) {
    int from = base + group;
    int count = weights.length;
    float most = x[from];
    float sumWeights = weights[0];
    float sumX = sumWeights * x[from];
    low = x[from];
    for (int i = 1; i < count; i++) {
      float value = x[from + i];
      low = value < low ? value : low;
      most = value > most ? value : most;
      sumWeights += weights[i];
      sumX += weights[i] * value;
    }
    low = low > 0 ? 0 : low;
    if (most == low) {
      Arrays.fill(codes, group, group + count, (byte) 0);
      return 0;
    }
    float inverse = grid.largest() / (most - low);
    scale = 1 / inverse;
    round(x, from, inverse);
    System.arraycopy(trial, 0, codes, group, count);
    best = error(x, from, scale, low);
    for (int step = 0; step <= grid.steps(); step++) {
      round(x, from, (grid.first() + grid.step() * step + grid.largest()) / (most - low));
      if (improve(x, from, sumWeights, sumX)) {
        System.arraycopy(trial, 0, codes, group, count);
      }
    }
    return scale;
  }

  private void round(float[] x, int from, float inverse) {
    for (int i = 0; i < weights.length; i++) {
      trial[i] = (byte) BlockNumbers.nearest(inverse * (x[from + i] - low), 0, grid.largest());
    }
  }

  /** Solves for the codes of the trial, and keeps the numbers when they are the best so far. */
  private boolean improve(float[] x, int from, float sumWeights, float sumX) {
    float sumCodes = 0;
    float sumSquares = 0;
    float sumProducts = 0;
    for (int i = 0; i < weights.length; i++) {
      float weighted = weights[i] * trial[i];
      sumCodes += weighted;
      sumSquares += weighted * trial[i];
      sumProducts += weighted * x[from + i];
    }
    float determinant = sumWeights * sumSquares - sumCodes * sumCodes;
    if (!(determinant > 0)) {
      return false;
    }
    float newScale = (sumWeights * sumProducts - sumX * sumCodes) / determinant;
    float newLow = (sumSquares * sumX - sumCodes * sumProducts) / determinant;
    if (newLow > 0) {
      newLow = 0;
      newScale = sumProducts / sumSquares;
    }
    float error = error(x, from, newScale, newLow);
    if (!(error < best)) {
      return false;
    }
    best = error;
    scale = newScale;
    low = newLow;
    return true;
  }

  private float error(float[] x, int from, float someScale, float someLow) {
    float sum = 0;
    for (int i = 0; i < weights.length; i++) {
      float difference = someScale * trial[i] + someLow - x[from + i];
      sum +=
          weights[i]
              * (grid.measure() == Measure.ABSOLUTE
                  ? Math.abs(difference)
                  : difference * difference);
    }
    return sum;
  }
}
