package org.sparkao.gpu.train;

import java.io.Serializable;

/**
 * How values move to the means over workers.
 *
 * @param learningRate 1 with no momentum: they become the means
 * @param momentum of Nesterov's method, from 0 to below 1
 */
public record OuterSettings(double learningRate, double momentum) implements Serializable {
  /** Checks the numbers. */
  public OuterSettings {
    if (!(learningRate > 0) || !(momentum >= 0 && momentum < 1)) {
      throw new IllegalArgumentException(
          "outer learning rate " + learningRate + ", momentum " + momentum);
    }
  }

  /** Whether a velocity is kept. */
  public boolean hasMomentum() {
    return momentum > 0;
  }
}
