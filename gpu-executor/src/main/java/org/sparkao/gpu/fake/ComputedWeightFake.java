package org.sparkao.gpu.fake;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.observe.TensorRange;

/** A weight whose scales are computed from it whenever it is used. */
final class ComputedWeightFake implements WeightFake {
  private final QuantizeRequest request;
  private final List<Tensor> siblings;
  private final ComputedFake fake;

  /**
   * Of one weight.
   *
   * @param siblings the weights that share the range of a tensor with it, itself among them
   */
  ComputedWeightFake(QuantizeRequest request, List<Tensor> siblings, RowWork rowWork) {
    this.request = request;
    this.siblings = siblings;
    this.fake = new ComputedFake(rowWork);
  }

  @Override
  public void forward(Tensor weight, Tensor to) {
    Optional<TensorRange> range = range();
    fake.forward(() -> quantizer(range), weight, to);
  }

  @Override
  public void backward(Tensor weight, Tensor gradient) {
    Optional<TensorRange> range = range();
    fake.backward(() -> quantizer(range), weight, gradient);
  }

  private Optional<TensorRange> range() {
    return request.scheme().needsTensorRange()
        ? Optional.of(FusedRange.of(siblings, request.weight().dtype()))
        : Optional.empty();
  }

  private FakeQuantizer quantizer(Optional<TensorRange> range) {
    return Quantizers.fake(request, range);
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
