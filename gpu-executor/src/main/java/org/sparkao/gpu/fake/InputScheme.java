package org.sparkao.gpu.fake;

import java.util.Optional;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * Inputs of linear layers quantized like a weight of as many rows as there are tokens, where a
 * model is trained and where it runs. A dynamic scale of the whole batch is a scale a token.
 */
public final class InputScheme {
  private InputScheme() {}

  /**
   * What such a weight is asked for.
   *
   * @param activations of a scheme
   * @param type of the inputs
   * @param rows tokens
   * @param columns K
   */
  public static QuantizeRequest request(
      QuantArgs activations, Numerics numerics, DType type, long rows, long columns) {
    return new FakeSettings(numerics, type, FakeSettings.Ranges.COMPUTED)
        .request(asWeights(activations), rows, columns);
  }

  private static QuantScheme asWeights(QuantArgs activations) {
    boolean dynamic = activations.timing() == QuantArgs.Timing.DYNAMIC;
    boolean byToken =
        activations.granularity() instanceof Granularity.PerToken
            || dynamic && activations.granularity() instanceof Granularity.PerTensor;
    QuantArgs weights =
        new QuantArgs(
            activations.kind(),
            activations.bits(),
            activations.symmetric(),
            byToken ? new Granularity.PerRow() : activations.granularity(),
            QuantArgs.Timing.STATIC,
            activations.scale());
    return Schemes.named(weights, Optional.empty(), StorageFormat.infer(weights, Optional.empty()));
  }
}
