package org.sparkao.gpu.train.cuda;

import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;

/**
 * An operand of a product.
 *
 * @param tensor its numbers
 * @param along which axis of it is summed over
 */
record ProductOperand(CudaTensor tensor, Depth along) {
  /** The axis that a product sums over. */
  enum Depth {
    /** [rows of the result, depth]: the depth is contiguous. */
    COLUMNS,
    /** [depth, rows of the result]. */
    ROWS
  }

  /** How many products a sum has. */
  int depth() {
    return along == Depth.COLUMNS ? tensor.columns() : tensor.rows();
  }

  /** Rows, once in bf16, are multiples of 16 bytes. */
  boolean fitsTensorMap() {
    return tensor.columns() % TensorLaunch.EIGHT == 0;
  }

  /** Adds it to the arguments of the plain kernel. */
  Launch addTo(Launch launch) {
    return launch
        .with(tensor.buffer())
        .with(TensorLaunch.type(tensor))
        .with(along == Depth.COLUMNS ? 1 : 0);
  }
}
