package org.sparkao.quant.calibration;

import org.sparkao.quant.observe.MagnitudeHistogram;
import org.sparkao.quant.observe.TensorRange;

/**
 * Statistics of an input x [tokens, K]; all but the Hessian. Arrays are the record's own.
 *
 * @param tokens that were seen
 * @param routed of them, those that a router sent; else all
 * @param min [K]
 * @param max [K]
 * @param amax [K]
 * @param meanAbsolute [K]
 * @param meanSquare [K]
 * @param magnitudes how often abs(x) occurs, all channels together
 * @param tokenAmax how often a token's largest abs(x) occurs
 */
public record CalibratedInput(
    long tokens,
    long routed,
    float[] min,
    float[] max,
    float[] amax,
    float[] meanAbsolute,
    float[] meanSquare,
    MagnitudeHistogram magnitudes,
    MagnitudeHistogram tokenAmax) {

  /** Channels, K. */
  public int columns() {
    return min.length;
  }

  /** Smallest and largest of all values: the range of a static scale by amax. */
  public TensorRange range() {
    TensorRange range = TensorRange.EMPTY;
    for (int i = 0; i < min.length && tokens > 0; i++) {
      range = range.merge(new TensorRange(min[i], max[i]));
    }
    return range;
  }

  /** Mean of x^2 over tokens and channels. */
  public double meanSquareOfTensor() {
    double sum = 0;
    for (float value : meanSquare) {
      sum += value;
    }
    return sum / meanSquare.length;
  }

  /** Channels that were never anything but zero. */
  public int deadChannels() {
    int dead = 0;
    for (float value : amax) {
      dead += value == 0 ? 1 : 0;
    }
    return dead;
  }
}
