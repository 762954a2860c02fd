package org.sparkao.gpu.optimizer;

/**
 * One step of all parameters. The fp32 constants below are what every implementation computes with.
 *
 * @param settings what stays the same
 * @param step counted from 1
 * @param learningRate of this step
 * @param gradientFactor what gradients are multiplied with first: {@link GradientClipping}
 * @param seed of stochastic rounding
 */
public record AdamWStep(
    AdamWSettings settings, int step, float learningRate, float gradientFactor, long seed) {

  /** Steps are counted from 1. */
  public AdamWStep {
    if (step < 1) {
      throw new IllegalArgumentException("step " + step);
    }
  }

  /** What a parameter loses to weight decay: learning rate * weight decay. */
  public float decay() {
    return learningRate * (float) settings.weightDecay();
  }

  /** 1 - beta1: how far the first moment goes towards the gradient. */
  public float firstWeight() {
    return (float) (1 - settings.beta1());
  }

  /** 1 - beta2. */
  public float secondWeight() {
    return (float) (1 - settings.beta2());
  }

  /** 1 - beta1^step, what the first moment is divided by. */
  public float firstCorrection() {
    return correction(settings.beta1());
  }

  /** sqrt(1 - beta2^step), what the root of the second moment is divided by. */
  public float secondCorrection() {
    return (float) Math.sqrt(correction(settings.beta2()));
  }

  private float correction(double beta) {
    return 1 - (float) Math.pow((float) beta, step);
  }
}
