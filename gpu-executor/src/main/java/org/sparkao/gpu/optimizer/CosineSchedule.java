package org.sparkao.gpu.optimizer;

/**
 * The learning rate rises in a line to its peak and falls along half a cosine to a share of it
 * (Loshchilov and Hutter 2017, equation 5, without restarts).
 *
 * @param peak the highest rate
 * @param warmUpSteps step {@code warmUpSteps} is the first with the peak; 0 or 1 begins there
 * @param steps of the whole training
 * @param lastShare the rate of the last step as a share of the peak
 */
public record CosineSchedule(double peak, int warmUpSteps, int steps, double lastShare) {

  /** Numbers in their ranges. */
  public CosineSchedule {
    if (!(peak > 0) || !(lastShare >= 0 && lastShare <= 1)) {
      throw new IllegalArgumentException(
          "learning rate " + peak + " and its last share " + lastShare + " of [0, 1]");
    }
    if (warmUpSteps < 0 || steps < 1 || warmUpSteps > steps) {
      throw new IllegalArgumentException(warmUpSteps + " steps of warm-up in " + steps);
    }
  }

  /**
   * The rate of a step.
   *
   * @param step from 1 to {@link #steps()}
   */
  public float rate(int step) {
    if (step < 1 || step > steps) {
      throw new IllegalArgumentException("step " + step + " of " + steps);
    }
    int begin = Math.max(1, warmUpSteps);
    if (step < begin) {
      return (float) (peak * step / begin);
    }
    double progress = steps == begin ? 0 : (step - begin) / (double) (steps - begin);
    double share = lastShare + (1 - lastShare) * (1 + Math.cos(Math.PI * progress)) / 2;
    return (float) (peak * share);
  }
}
