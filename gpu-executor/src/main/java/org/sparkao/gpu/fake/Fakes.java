package org.sparkao.gpu.fake;

import java.util.Optional;
import org.sparkao.gpu.tensor.Tensor;

/**
 * Which linear layers are fake-quantized, and how. A model asks once for each layer when it is
 * made, and closes what it got.
 */
public interface Fakes {
  /** Nothing is quantized. */
  Fakes NONE =
      new Fakes() {
        @Override
        public Optional<WeightFake> weight(String module, Tensor weight) {
          return Optional.empty();
        }

        @Override
        public Optional<ActivationFake> activation(String module, int columns) {
          return Optional.empty();
        }
      };

  /**
   * Of the weight of a linear layer.
   *
   * @param module such as {@code model.layers.0.mlp.up_proj}
   * @param weight [N, K], as it is before training: learned scales begin with it
   */
  Optional<WeightFake> weight(String module, Tensor weight);

  /**
   * Of what a linear layer reads.
   *
   * @param module the first of those that read the same x: {@code q_proj}, {@code o_proj}, {@code
   *     gate_proj}, {@code down_proj}
   * @param columns K
   */
  Optional<ActivationFake> activation(String module, int columns);

  /**
   * Whether the weight of a linear layer has scales that are trained, known before it is read: its
   * gradient is needed then, whether it is trained itself or not.
   */
  default boolean learnsScales(String module) {
    return false;
  }
}
