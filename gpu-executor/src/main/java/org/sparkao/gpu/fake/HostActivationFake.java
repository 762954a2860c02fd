package org.sparkao.gpu.fake;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * Inputs of linear layers, in fp32, quantized like a weight of as many rows as there are tokens: a
 * scale a token or a group, from the token itself, or the one scale of a range that is given. A
 * dynamic scale of the whole batch is a scale a token, as where the model runs.
 */
final class HostActivationFake implements ActivationFake {
  private final QuantArgs activations;
  private final Numerics numerics;
  private final Optional<TensorRange> range;
  private final ComputedFake fake;

  /**
   * Of the inputs of one layer.
   *
   * @param range of all inputs, where their scale is stored
   */
  HostActivationFake(
      QuantArgs activations, Numerics numerics, Optional<TensorRange> range, RowWork rowWork) {
    this.activations = activations;
    this.numerics = numerics;
    this.range = range;
    this.fake = new ComputedFake(rowWork);
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
    return Quantizers.fake(
        InputScheme.request(activations, numerics, DType.F32, x.rows(), x.columns()), range);
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
