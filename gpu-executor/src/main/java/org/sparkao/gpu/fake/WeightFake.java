package org.sparkao.gpu.fake;

import java.util.List;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/**
 * Fake quantization of one weight [N, K]. Tensors may be views of a part of a larger one; they lie
 * on the device that this was made for. Results are the same bits for any number of threads. Keeps
 * nothing of a call: {@link #forward} may run any number of times before {@link #backward}.
 */
public interface WeightFake extends AutoCloseable {
  /**
   * fake = dequantize(quantize(weight)).
   *
   * @param weight [N, K], read
   * @param fake [N, K], overwritten; never {@code weight}
   */
  void forward(Tensor weight, Tensor fake);

  /**
   * Makes the gradient of the weight of that of the fake weight, in place, and adds to the
   * gradients of {@link #parameters()}. Called once a step, with the gradient summed over all
   * batches of the step: it is linear in it.
   *
   * @param weight [N, K], as {@link #forward} read it
   * @param gradient [N, K]: of the fake weight; then of the weight
   */
  void backward(Tensor weight, Tensor gradient);

  /** Scales, and zero points, that are learned; none when they follow from the weight. */
  List<Parameter> parameters();

  /** Gives its memory back. */
  @Override
  void close();
}
