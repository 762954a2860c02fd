package org.sparkao.quant.scheme;

import java.util.Objects;
import java.util.Optional;

/**
 * What a quantized linear layer is.
 *
 * @param name the one name of this scheme, parameters included: parsing it gives the scheme again;
 *     a description for a scheme of others that no name leads to
 * @param weights how its weight is quantized
 * @param activations how its input is quantized at run time; empty when it stays as it is
 * @param format how the codes lie in a checkpoint
 */
public record QuantScheme(
    String name, QuantArgs weights, Optional<QuantArgs> activations, StorageFormat format) {

  /** Checks the parts. */
  public QuantScheme {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(weights, "weights");
    Objects.requireNonNull(activations, "activations");
    Objects.requireNonNull(format, "format");
  }

  /** Whether input scales must come from calibration (FP8, NVFP4). */
  public boolean needsInputScales() {
    return activations.filter(args -> args.timing() != QuantArgs.Timing.DYNAMIC).isPresent();
  }

  /**
   * Whether the range of the whole weight, and of its fused siblings, must be known before its
   * first code (one scale a tensor, or a global scale).
   */
  public boolean needsTensorRange() {
    return weights.granularity() instanceof Granularity.PerTensor
        || weights.scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL;
  }
}
