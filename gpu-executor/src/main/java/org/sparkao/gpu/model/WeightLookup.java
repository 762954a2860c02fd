package org.sparkao.gpu.model;

import java.util.List;

/**
 * The weights of one checkpoint by their names. Only headers are looked at: what is missing or of
 * another shape is refused before a weight is read.
 */
public interface WeightLookup {
  /**
   * The weight [N, K] of a linear layer, without its bias, in whatever form it is stored.
   *
   * @param module such as {@code model.layers.0.mlp.up_proj}; the tensor of an unquantized weight
   *     is {@code module + ".weight"}
   * @throws org.sparkao.quant.QuantException naming tensor, expected and found shape
   */
  LinearWeight linear(String module, int n, int k);

  /**
   * A tensor that is not quantized: embedding, norm, bias.
   *
   * @param name in the checkpoint
   * @param shape that it must have
   * @throws org.sparkao.quant.QuantException when it is missing, of another shape, or neither BF16,
   *     F16 nor F32
   */
  StoredTensor tensor(String name, List<Long> shape);

  /** Whether the checkpoint has a tensor of this name. */
  boolean holds(String name);
}
