package org.sparkao.gpu.fake;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;

/** The range of weights that share a scale of the tensor, as they are now. */
final class FusedRange {
  private final List<Tensor> weights = new ArrayList<>();

  /** Another weight. Its memory is the model's. */
  void add(Tensor weight) {
    weights.add(weight);
  }

  /** Of all weights, rounded to the type in which they are stored. */
  TensorRange range(DType stored) {
    WeightType type = WeightType.valueOf(stored.name());
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (Tensor weight : weights) {
      HostTensor host = HostTensor.of(weight);
      int end = host.at(host.rows());
      for (int i = host.offset(); i < end; i++) {
        min = Math.min(min, host.array()[i]);
        max = Math.max(max, host.array()[i]);
      }
    }
    return new TensorRange(type.round(min), type.round(max));
  }
}
