package org.sparkao.gpu.fake;

import java.util.List;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;

/** The range of weights that share a scale of the tensor, rounded to the type that is stored. */
final class FusedRange {
  private FusedRange() {}

  /** Of tensors of the processor, as they are now. */
  static TensorRange of(List<Tensor> weights, DType stored) {
    TensorRange range = TensorRange.EMPTY;
    for (Tensor weight : weights) {
      HostTensor host = HostTensor.of(weight);
      range = range.merge(of(host.array(), host.offset(), host.at(host.rows()), stored));
    }
    return range;
  }

  /** Of {@code values[begin, end)}. */
  static TensorRange of(float[] values, int begin, int end, DType stored) {
    WeightType type = WeightType.valueOf(stored.name());
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = begin; i < end; i++) {
      min = Math.min(min, values[i]);
      max = Math.max(max, values[i]);
    }
    return new TensorRange(type.round(min), type.round(max));
  }
}
