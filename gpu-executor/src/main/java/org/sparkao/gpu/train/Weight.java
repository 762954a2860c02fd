package org.sparkao.gpu.train;

import java.util.Objects;
import java.util.Optional;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/**
 * A weight of a model.
 *
 * @param name in the checkpoint
 * @param value its numbers
 * @param gradient of the same shape; absent when it is not trained
 */
record Weight(String name, Tensor value, Optional<Tensor> gradient) {
  Weight {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(gradient, "gradient");
  }

  /** What an optimizer gets of it. */
  Optional<Parameter> parameter() {
    return gradient.map(g -> new Parameter(name, value, g));
  }
}
