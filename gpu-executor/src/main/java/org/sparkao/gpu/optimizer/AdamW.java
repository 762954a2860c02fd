package org.sparkao.gpu.optimizer;

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2), as torchao computes it: in fp32, whatever
 * parameters and states are kept in; the update uses the moments before they are stored.
 *
 * <p>g = gradient * factor; p -= decay * p; m += (1 - beta1) (g - m); v += (1 - beta2) (g^2 - v); p
 * -= learningRate * (m / firstCorrection) / (sqrt(v) / secondCorrection + epsilon), each operation
 * rounded once.
 *
 * <p>Stochastic rounding draws 16 bits by seed, number of the parameter, step and index of the
 * element, so its result does not depend on threads or devices.
 */
public interface AdamW {

  /**
   * Moves one parameter, whose gradient is finite, and its state by one step. Work goes to the
   * calling thread's stream.
   */
  void step(TrainedParameter parameter, AdamWState state, AdamWStep step);

  /** Refuses a state of another size. */
  static void check(TrainedParameter parameter, AdamWState state) {
    boolean fits =
        state.first().elements() == parameter.elements()
            && state.second().elements() == parameter.elements();
    if (!fits) {
      throw new IllegalArgumentException(
          parameter.parameter().name()
              + ": "
              + parameter.elements()
              + " elements and states of "
              + state.first().elements()
              + " and "
              + state.second().elements());
    }
  }
}
