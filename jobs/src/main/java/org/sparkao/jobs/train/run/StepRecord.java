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

  /** The same step of several workers: means, tokens of all, and the time of the slowest. */
  static StepRecord together(List<StepRecord> workers) {
    StepRecord first = workers.get(0);
    return new StepRecord(
        first.step,
        workers.stream().mapToDouble(StepRecord::loss).sum() / workers.size(),
        first.learningRate,
        workers.stream().mapToDouble(StepRecord::gradientNorm).sum() / workers.size(),
        workers.stream().mapToLong(StepRecord::tokens).sum(),
        workers.stream().mapToDouble(StepRecord::seconds).max().orElseThrow(),
        List.of());
  }

  /** With quantiles of learned scales. */
  StepRecord withScales(List<Double> quantiles) {
    return new StepRecord(step, loss, learningRate, gradientNorm, tokens, seconds, quantiles);
  }
}
