package org.sparkao.gpu.quantize;

import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.quant.algorithm.QuantizeRequest;

/**
 * Weights from their stored parts, as a loader of compressed-tensors makes them: (value of the code
 * - zero point) * scale in fp32, rounded to the type of the weight once; scales of NVFP4 are
 * divided by the global scale first.
 */
public interface WeightDequantizer {

  /**
   * Dequantizes a whole weight.
   *
   * @param request what the weight was quantized with
   * @param parts the stored parts, in the order of {@code Quantizers.parts(request)}
   * @param out [rows, columns] of the type of the weight, columns contiguous
   */
  void dequantize(QuantizeRequest request, List<Buffer> parts, Buffer out);
}
