package org.sparkao.gpu.model;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.algorithm.QuantizeRequest;

/**
 * The weight of a linear layer, W [N, K], as a checkpoint stores it.
 *
 * @param name of the module, such as {@code model.layers.0.mlp.up_proj}
 * @param n output features
 * @param k input features, contiguous
 * @param form how its numbers are stored
 * @param bias [N]
 */
public record LinearWeight(String name, int n, int k, Form form, Optional<StoredTensor> bias) {
  /** All parts are given. */
  public LinearWeight {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(form, "form");
    Objects.requireNonNull(bias, "bias");
  }

  /** The same layer with the plain numbers [N, K] that stand under its name, if there are any. */
  LinearWeight with(Map<String, StoredTensor> values) {
    return values.containsKey(name)
        ? new LinearWeight(name, n, k, new Plain(values.get(name)), bias)
        : this;
  }

  /** How the numbers of a weight are stored. */
  public sealed interface Form {}

  /**
   * As they are.
   *
   * @param values BF16, F16 or F32 [N, K]
   */
  public record Plain(StoredTensor values) implements Form {}

  /**
   * Quantized.
   *
   * @param request what the weight was quantized with; its scheme says how activations are
   *     quantized
   * @param parts the stored parts, in the order of {@code Quantizers.parts(request)}
   * @param inputScales of static activation quantization: the scale (and for NVFP4 the global
   *     scale), in the checkpoint's order; empty when activations are dynamic or not quantized
   */
  public record Quantized(
      QuantizeRequest request, List<StoredTensor> parts, List<StoredTensor> inputScales)
      implements Form {
    /** Freezes the lists. */
    public Quantized {
      Objects.requireNonNull(request, "request");
      parts = List.copyOf(parts);
      inputScales = List.copyOf(inputScales);
    }
  }
}
