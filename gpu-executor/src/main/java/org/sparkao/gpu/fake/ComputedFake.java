package org.sparkao.gpu.fake;

import java.util.function.Supplier;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.FakeQuantizer;

/** Fake quantization of a matrix whose scales follow from it, on the processor. */
final class ComputedFake {
  private final RowWork rowWork;

  ComputedFake(RowWork rowWork) {
    this.rowWork = rowWork;
  }

  /**
   * fake = dequantize(quantize(x)).
   *
   * @param quantizer makes one for each thread
   */
  void forward(Supplier<FakeQuantizer> quantizer, Tensor x, Tensor fake) {
    HostTensor from = HostTensor.of(x);
    HostTensor to = HostTensor.of(fake);
    rowWork.run(
        from.rows(),
        quantizer.get().bandRows(),
        (begin, end) ->
            quantizer.get().forward(RowWork.rows(from, begin, end), to.array(), to.at(begin)));
  }

  /** Lets the gradient through where x was not cut off. */
  void backward(Supplier<FakeQuantizer> quantizer, Tensor x, Tensor gradient) {
    HostTensor from = HostTensor.of(x);
    HostTensor to = HostTensor.of(gradient);
    rowWork.run(
        from.rows(),
        quantizer.get().bandRows(),
        (begin, end) ->
            quantizer
                .get()
                .backward(RowWork.rows(from, begin, end), to.array(), to.at(begin), null));
  }
}
