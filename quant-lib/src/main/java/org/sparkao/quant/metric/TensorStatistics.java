package org.sparkao.quant.metric;

/**
 * How wrong a quantized tensor is against its source. Sums run over rows in order, so the figures
 * do not depend on how the tensor was sliced.
 *
 * @param elements weights seen
 * @param nonFinite NaN and infinite weights; they are left out of every other figure
 * @param amax largest magnitude of a weight
 * @param signal sum of squared weights
 * @param noise sum of squared errors, weight minus dequantized weight
 * @param absoluteError sum of absolute errors
 * @param maxError largest absolute error
 * @param clipped weights whose code before clamping was outside the range of the format
 */
public record TensorStatistics(
    long elements,
    long nonFinite,
    double amax,
    double signal,
    double noise,
    double absoluteError,
    double maxError,
    long clipped) {

  /** Nothing seen. */
  public static final TensorStatistics EMPTY = new TensorStatistics(0, 0, 0, 0, 0, 0, 0, 0);

  /** The figures of both together; associative only as far as floating-point sums are. */
  public TensorStatistics merge(TensorStatistics other) {
    return new TensorStatistics(
        elements + other.elements,
        nonFinite + other.nonFinite,
        Math.max(amax, other.amax),
        signal + other.signal,
        noise + other.noise,
        absoluteError + other.absoluteError,
        Math.max(maxError, other.maxError),
        clipped + other.clipped);
  }

  /**
   * Signal to quantization noise ratio, 10 log10(signal / noise), in dB. Positive infinity for an
   * exact representation, NaN when there was nothing but zeros.
   */
  public double sqnrDb() {
    return 10 * Math.log10(signal / noise);
  }

  /** Mean absolute error of a finite weight; 0 when there was none. */
  public double meanError() {
    return elements == nonFinite ? 0 : absoluteError / (elements - nonFinite);
  }

  /** Share of finite weights that the range of the format cut off, 0 to 1. */
  public double clippedFraction() {
    return elements == nonFinite ? 0 : (double) clipped / (elements - nonFinite);
  }
}
