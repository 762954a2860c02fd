package org.sparkao.quant.algorithm;

import java.util.List;
import java.util.Optional;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;

/** The table of contents of this package: which request is answered by which quantizer. */
public final class Quantizers {
  private Quantizers() {}

  /**
   * The tensors that a weight becomes. Needs no weight, so that it serves planning.
   *
   * @throws org.sparkao.quant.QuantException when the scheme, algorithm, numerics, layout and shape
   *     do not go together; the message says what would
   */
  public static List<PackedPart> parts(QuantizeRequest request) {
    throw new UnsupportedOperationException("not built yet: " + request);
  }

  /**
   * A quantizer for one weight.
   *
   * @param range the range of the whole weight and its fused siblings; required when {@code
   *     request.scheme().needsTensorRange()}
   */
  public static TensorQuantizer create(QuantizeRequest request, Optional<TensorRange> range) {
    throw new UnsupportedOperationException("not built yet: " + request + range);
  }
}
