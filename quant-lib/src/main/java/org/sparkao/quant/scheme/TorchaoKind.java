package org.sparkao.quant.scheme;

import java.util.Optional;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerRow;
import org.sparkao.quant.scheme.Granularity.PerToken;

/**
 * Which of torchao's configurations a scheme is, as far as their checkpoints are written and read.
 *
 * <p>Source: torchao 0.18, {@code quantization/quant_api.py}.
 */
public enum TorchaoKind {
  /** Symmetric int8, fp32 scales: {@code Int8Tensor}. */
  INT8_WEIGHT_ONLY("Int8WeightOnlyConfig", "Int8Tensor"),
  /** The same with symmetric int8 activations. */
  INT8_DYNAMIC("Int8DynamicActivationInt8WeightConfig", "Int8Tensor"),
  /** Integers of 1 to 8 bits, one a byte. */
  INTX_WEIGHT_ONLY("IntxWeightOnlyConfig", "IntxUnpackedToInt8Tensor"),
  /** The same with asymmetric int8 activations. */
  INTX_DYNAMIC("Int8DynamicActivationIntxWeightConfig", "IntxUnpackedToInt8Tensor"),
  /** fp8 e4m3, fp32 scales. */
  FLOAT8_WEIGHT_ONLY("Float8WeightOnlyConfig", "Float8Tensor");

  private final String configName;
  private final String tensorName;

  TorchaoKind(String configName, String tensorName) {
    this.configName = configName;
    this.tensorName = tensorName;
  }

  /** The configuration's class. */
  public String configName() {
    return configName;
  }

  /** The class of the tensors. */
  public String tensorName() {
    return tensorName;
  }

  /** Whether scales are of the type of the weight, not fp32. */
  public boolean scalesOfWeightType() {
    return this == INTX_WEIGHT_ONLY || this == INTX_DYNAMIC;
  }

  /** The one that a scheme is; empty for schemes that this layout does not hold. */
  public static Optional<TorchaoKind> of(QuantScheme scheme) {
    QuantArgs weights = scheme.weights();
    boolean rows = weights.granularity() instanceof PerRow;
    boolean groups = weights.granularity() instanceof PerGroup;
    if (weights.scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE || !rows && !groups) {
      return Optional.empty();
    }
    Optional<QuantArgs> inputs = scheme.activations();
    if (weights.kind() == QuantArgs.Kind.FLOAT) {
      boolean fits = weights.bits() == 8 && rows && inputs.isEmpty();
      return fits ? Optional.of(FLOAT8_WEIGHT_ONLY) : Optional.empty();
    }
    boolean int8 = weights.bits() == 8 && weights.symmetric();
    if (inputs.isEmpty()) {
      return Optional.of(int8 ? INT8_WEIGHT_ONLY : INTX_WEIGHT_ONLY);
    }
    QuantArgs activations = inputs.get();
    boolean tokens =
        activations.kind() == QuantArgs.Kind.INT
            && activations.bits() == 8
            && activations.timing() == QuantArgs.Timing.DYNAMIC
            && activations.granularity() instanceof PerToken;
    if (!tokens || activations.symmetric() != int8 || int8 && !rows) {
      return Optional.empty();
    }
    return Optional.of(int8 ? INT8_DYNAMIC : INTX_DYNAMIC);
  }
}
