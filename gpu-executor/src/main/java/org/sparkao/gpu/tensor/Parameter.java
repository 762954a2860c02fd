package org.sparkao.gpu.tensor;

import java.util.Objects;

/**
 * Something that is trained.
 *
 * @param name as in the checkpoint, such as {@code model.layers.0.mlp.up_proj.weight}; a learned
 *     scale has the module's name and a suffix of its own
 * @param value read by the forward pass, changed by the optimizer
 * @param gradient of the loss, of the same shape; backward passes add to it
 */
public record Parameter(String name, Tensor value, Tensor gradient) {
  /** Shapes are equal. */
  public Parameter {
    Objects.requireNonNull(name, "name");
    if (value.rows() != gradient.rows() || value.columns() != gradient.columns()) {
      throw new IllegalArgumentException(
          name
              + ": value "
              + value.rows()
              + " x "
              + value.columns()
              + ", gradient "
              + gradient.rows()
              + " x "
              + gradient.columns());
    }
  }
}
