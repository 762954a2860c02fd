package org.sparkao.gpu.model.cpu;

/** Quantizes activations and dequantizes them, as their scheme says. */
interface ActivationRounding {
  /** Rounds one row, x[first] to x[first + k - 1], in place. */
  void apply(float[] x, int first, int k);
}
