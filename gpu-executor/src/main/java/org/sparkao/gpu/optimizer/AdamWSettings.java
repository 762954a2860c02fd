package org.sparkao.gpu.optimizer;

/**
 * What stays the same from step to step.
 *
 * @param beta1 decay of the first moment, in [0, 1)
 * @param beta2 decay of the second moment, in [0, 1)
 * @param epsilon added to the root of the second moment
 * @param weightDecay decoupled from the gradient, a step: times the learning rate
 */
public record AdamWSettings(double beta1, double beta2, double epsilon, double weightDecay) {

  /** PyTorch's defaults, without weight decay. */
  public static final AdamWSettings DEFAULT = new AdamWSettings(0.9, 0.999, 1e-8, 0);

  /** Numbers in their ranges. */
  public AdamWSettings {
    requireDecay("beta1", beta1);
    requireDecay("beta2", beta2);
    if (!(epsilon >= 0) || !(weightDecay >= 0)) {
      throw new IllegalArgumentException(
          "epsilon " + epsilon + " and weight decay " + weightDecay + " are not both 0 or more");
    }
  }

  private static void requireDecay(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " is " + value + ", not in [0, 1)");
    }
  }
}
