package org.sparkao.quant.algorithm;

import java.util.Arrays;
import org.sparkao.quant.metric.TensorStatistics;

/**
 * Sums behind {@link TensorStatistics}, in an order that every implementation keeps: element j of a
 * group goes to lane j mod 8 in fp32, the lanes are added in order, in fp64, at the end of each
 * row. Elements of groups that need care ({@link GroupRange#needsCare}) go to fp64 at once.
 */
final class ErrorSums {
  static final int LANES = 8;

  final float[] signal = new float[LANES];
  final float[] noise = new float[LANES];
  final float[] absolute = new float[LANES];

  /** Largest absolute error of each lane, as the bits of a float: they compare as ints. */
  final int[] largestBits = new int[LANES];

  long clipped;

  private double carefulSignal;
  private double carefulNoise;
  private double carefulAbsolute;

  private long elements;
  private long nonFinite;
  private float amax;
  private double totalSignal;
  private double totalNoise;
  private double totalAbsolute;

  void add(int lane, float weight, float dequantized) {
    float error = weight - dequantized;
    signal[lane] += weight * weight;
    noise[lane] += error * error;
    absolute[lane] += Math.abs(error);
    raise(lane, Math.abs(error));
  }

  void addCarefully(float weight, float dequantized) {
    double error = (double) weight - dequantized;
    carefulSignal += (double) weight * weight;
    carefulNoise += error * error;
    carefulAbsolute += Math.abs(error);
    raise(0, (float) Math.abs(error));
  }

  void addNonFinite() {
    nonFinite++;
  }

  void addRange(GroupRange range) {
    amax = Math.max(amax, range.amax());
  }

  /** Ends a row of {@code columns} elements. */
  void endRow(int columns) {
    elements += columns;
    totalSignal += carefulSignal + drain(signal);
    totalNoise += carefulNoise + drain(noise);
    totalAbsolute += carefulAbsolute + drain(absolute);
    carefulSignal = 0;
    carefulNoise = 0;
    carefulAbsolute = 0;
  }

  TensorStatistics statistics() {
    return new TensorStatistics(
        elements, nonFinite, amax, totalSignal, totalNoise, totalAbsolute, maxError(), clipped);
  }

  private void raise(int lane, float error) {
    largestBits[lane] = Math.max(largestBits[lane], Float.floatToRawIntBits(error));
  }

  private float maxError() {
    return Float.intBitsToFloat(Arrays.stream(largestBits).max().orElseThrow());
  }

  private static double drain(float[] lanes) {
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += lanes[lane];
      lanes[lane] = 0;
    }
    return sum;
  }
}
