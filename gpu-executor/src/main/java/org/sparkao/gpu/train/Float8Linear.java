package org.sparkao.gpu.train;

import java.util.Optional;
import org.sparkao.gpu.tensor.Tensor;

/**
 * What a linear layer multiplies when it multiplies fp8.
 *
 * @param weight codes of W [N, K]
 * @param input codes of x [tokens, K]; other layers overwrite them
 */
record Float8Linear(Float8Products products, Float8Matrix weight, Float8Matrix input) {
  /** Before passes, after every change of the weight. */
  void prepare(Tensor used) {
    products.quantize(used, weight);
  }

  /** Before a forward pass, and before a backward pass if others used the codes. */
  void prepareInput(Tensor x) {
    products.quantize(x, input);
  }

  void forward(Optional<Tensor> bias, Tensor y) {
    products.product(input, weight, bias, y);
  }

  void backward(Tensor dy, Optional<Tensor> dw, Tensor dx) {
    products.gradients(dy, input, weight, dw, dx);
  }
}
