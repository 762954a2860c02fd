package org.sparkao.gpu.fake;

import java.util.List;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/**
 * Fake quantization of what linear layers read: x [rows, K], a token a row. One serves all layers
 * that read the same x (q, k and v; gate and up). Tensors lie on the device that this was made for.
 * A row's result does not depend on the rows beside it; results are the same bits for any number of
 * threads. Keeps nothing of a call.
 */
public interface ActivationFake extends AutoCloseable {
  /**
   * fake = dequantize(quantize(x)).
   *
   * @param x [rows, K], read
   * @param fake [rows, K], overwritten; never {@code x}
   */
  void forward(Tensor x, Tensor fake);

  /**
   * Makes the gradient of x of that of the fake x, in place, and adds to the gradients of {@link
   * #parameters()}. Called for every batch.
   *
   * @param x [rows, K], as {@link #forward} read it
   * @param gradient [rows, K]: of the fake x; then of x
   */
  void backward(Tensor x, Tensor gradient);

  /** Scales that are learned; none when they follow from x. */
  List<Parameter> parameters();

  /** Gives its memory back. */
  @Override
  void close();
}
