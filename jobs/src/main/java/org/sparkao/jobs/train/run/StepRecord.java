package org.sparkao.jobs.train.run;

import java.util.List;

/**
 * A step, as states keep it.
 *
 * @param step from 1
 * @param loss mean over tokens, or elements
 * @param learningRate of the step
 * @param gradientNorm before clipping
 * @param tokens of the step
 * @param seconds that it took
 * @param scales quantiles of the learned scales after it: 0, 25, 50, 75 and 100 %; none where
 *     scales are not learned, or nothing was kept after the step
 */
record StepRecord(
    int step,
    double loss,
    double learningRate,
    double gradientNorm,
    long tokens,
    double seconds,
    List<Double> scales) {
  StepRecord {
    scales = List.copyOf(scales);
  }
}
