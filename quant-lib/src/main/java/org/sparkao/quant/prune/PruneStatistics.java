package org.sparkao.quant.prune;

import org.sparkao.quant.metric.TensorStatistics;

/**
 * What pruning did to a weight; sums run over rows in order.
 *
 * @param elements weights
 * @param zeros of them, afterwards
 * @param signal sum of squares before
 * @param kept of it, what stood where no zero is now
 * @param noise sum of squared differences, before and after
 * @param amax largest magnitude before
 * @param absoluteError sum of absolute differences
 * @param maxError largest absolute difference
 * @param nonFiniteRows rows with NaN or infinities, which are left as they are
 */
public record PruneStatistics(
    long elements,
    long zeros,
    double signal,
    double kept,
    double noise,
    double amax,
    double absoluteError,
    double maxError,
    long nonFiniteRows) {

  /**
   * As errors of the weight, where nothing else is done with it.
   *
   * @param nonFinite NaN and infinities among its weights
   */
  public TensorStatistics errors(long nonFinite) {
    return new TensorStatistics(
        elements, nonFinite, amax, signal, noise, absoluteError, maxError, 0);
  }

  /** Share of the norm that is kept, 0 to 1; 1 for a weight of zeros. */
  public double keptNorm() {
    return signal == 0 ? 1 : Math.sqrt(kept / signal);
  }
}
