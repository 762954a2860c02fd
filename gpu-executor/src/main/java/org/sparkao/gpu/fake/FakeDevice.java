package org.sparkao.gpu.fake;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * Makes fakes whose tensors lie on one device. For one thread at a time; {@link #close} gives back
 * working memory, when no fake is used any more.
 */
public interface FakeDevice extends AutoCloseable {
  /** A tensor of zeros in fp32; the caller closes it. */
  Tensor allocate(int rows, int columns);

  /**
   * A weight whose scales are computed from it whenever it is used.
   *
   * @param siblings the weights that share the range of a tensor with it, itself among them; more
   *     may come
   */
  WeightFake computed(QuantizeRequest request, List<Tensor> siblings);

  /**
   * A weight whose scales are learned.
   *
   * @param scales become the fake's
   */
  WeightFake learned(LearnedScales scales);

  /**
   * Inputs of a layer.
   *
   * @param activations of a scheme
   * @param range of all inputs, where their scale is stored
   */
  ActivationFake inputs(QuantArgs activations, Numerics numerics, Optional<TensorRange> range);

  @Override
  void close();
}
