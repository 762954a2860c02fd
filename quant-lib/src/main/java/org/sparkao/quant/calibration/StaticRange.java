package org.sparkao.quant.calibration;

/**
 * How the largest magnitude that a static scale of activations represents is chosen, from all
 * tokens at once: no order of batches, and so no moving average, has a part in it.
 */
public enum StaticRange {
  /** The largest of all values. */
  AMAX {
    @Override
    public float of(CalibratedInput input, double stepsPerCutOff) {
      return input.range().amax();
    }
  },
  /** What 99.99 % of the magnitudes do not exceed. */
  PERCENTILE {
    @Override
    public float of(CalibratedInput input, double stepsPerCutOff) {
      return input.magnitudes().percentile(PERCENT);
    }
  },
  /** The cut-off of least squared error of evenly spaced codes. */
  LEAST_SQUARES {
    @Override
    public float of(CalibratedInput input, double stepsPerCutOff) {
      return input.magnitudes().leastSquaresCutOff(stepsPerCutOff);
    }
  };

  private static final double PERCENT = 99.99;

  /**
   * The largest magnitude; 0 for an input that no token reached.
   *
   * @param stepsPerCutOff steps of the codes between zero and it: 127 for symmetric int8
   */
  public abstract float of(CalibratedInput input, double stepsPerCutOff);
}
