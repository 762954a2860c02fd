package org.sparkao.gpu.fake;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * Inputs of linear layers, in fp32, quantized like a weight of as many rows as there are tokens: a
 * scale a token or a group, from the token itself, or the one scale of a range that is given. A
 * dynamic scale of the whole batch is a scale a token, as where the model runs.
 */
final class HostActivationFake implements ActivationFake {
  private final QuantScheme scheme;
  private final FakeSettings settings;
  private final Optional<TensorRange> range;
  private final ComputedFake fake;

  /**
   * Of the inputs of one layer.
   *
   * @param range of all inputs, where their scale is stored
   */
  HostActivationFake(
      QuantArgs activations, Numerics numerics, Optional<TensorRange> range, RowWork rowWork) {
    this.scheme = asWeights(activations);
    this.settings = new FakeSettings(numerics, DType.F32, FakeSettings.Ranges.COMPUTED);
    this.range = range;
    this.fake = new ComputedFake(rowWork);
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

  @Override
  public void forward(Tensor x, Tensor to) {
    fake.forward(() -> quantizer(x), x, to);
  }

  @Override
  public void backward(Tensor x, Tensor gradient) {
    fake.backward(() -> quantizer(x), x, gradient);
  }

  private FakeQuantizer quantizer(Tensor x) {
    return Quantizers.fake(settings.request(scheme, x.rows(), x.columns()), range);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }

  @Override
  public void close() {
    // Nothing is held.
  }
}
