package org.sparkao.gpu.fake;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * Inputs of a linear layer on a GPU as the numbers of their codes, where a model runs: what {@link
 * CudaFakes} makes of them in training, for scales that follow from each row alone. Holds no
 * memory.
 */
public final class CudaInputNumbers {
  private final CudaDevice device;
  private final FakeKernels kernels;
  private final int columns;

  /**
   * Of inputs whose scale is not stored.
   *
   * @param activations of a scheme
   * @param columns K
   */
  public CudaInputNumbers(
      KernelLibrary library, QuantArgs activations, Numerics numerics, int columns) {
    this.device = library.device();
    this.kernels = FakeKernels.ofInputs(library, activations, numerics, 1, columns);
    this.columns = columns;
  }

  /**
   * to = dequantize(quantize(x)) in fp32, rounded once more to bf16 where that is the type; a row's
   * bits depend on no other row. Launches alone, on the calling thread's stream.
   *
   * @param type of both, F32 or BF16
   * @param x [rows, K]
   * @param to the same; not x
   */
  public void round(WeightType type, int rows, Buffer x, Buffer to) {
    kernels.forward(
        CudaTensor.over(device, type, x, rows, columns),
        FakeKernels.Source.OF_GROUPS,
        CudaTensor.over(device, type, to, rows, columns));
  }
}
