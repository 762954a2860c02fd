package org.sparkao.gpu.optimizer;

import org.sparkao.gpu.tensor.Tensor;

/** The sum of squares of a gradient, in an order that the number of elements alone decides. */
public interface GradientSquares {

  /** Adds up in fp64. */
  double sum(Tensor gradient);
}
