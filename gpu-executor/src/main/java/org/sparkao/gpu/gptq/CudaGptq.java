package org.sparkao.gpu.gptq;

import org.sparkao.gpu.device.BusyTime;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.calibrated.Gptq;
import org.sparkao.quant.calibrated.GptqColumns;
import org.sparkao.quant.calibrated.GptqOptions;
import org.sparkao.quant.calibrated.SecondMoments;

/**
 * GPTQ on a GPU: the bytes of {@link org.sparkao.quant.calibrated.CpuGptq}. Work goes to the stream
 * of the calling thread.
 */
public final class CudaGptq implements Gptq {
  /** The folder of kernels that it needs. */
  public static final String KERNELS = CudaFactor.OP;

  /** Weights of two bytes, as fp32 on their way, and steps. */
  private static final long SLICES = 5;

  /** What a quantizer holds of the heap, about: slices, codes, steps. */
  public static final long HEAP_BYTES = 3L * CudaGptqSolver.SLICE_BYTES;

  private final KernelLibrary library;
  private final BusyTime busy;

  /**
   * On the device of a library.
   *
   * @param busy told when the device is at work
   */
  public CudaGptq(KernelLibrary library, BusyTime busy) {
    this.library = library;
    this.busy = busy;
  }

  /**
   * Most bytes of the device that a weight of {@code columns} columns needs while it is prepared.
   */
  public static long bytes(long columns) {
    long stride = CudaFactor.stride(columns);
    return Float.BYTES * (columns * columns + stride * stride);
  }

  /**
   * Prepares for layers of one input.
   *
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when {@link #bytes} are not free
   */
  @Override
  public Prepared prepare(SecondMoments inputs, GptqOptions options) {
    return CudaFactor.of(library, busy, inputs, GptqColumns.of(inputs, options));
  }

  @Override
  public GptqQuantizer quantizer(QuantizeRequest request, RangeChoice ranges, Prepared prepared) {
    CudaFactor factor = (CudaFactor) prepared;
    return factor
        .columns()
        .quantizer(
            request,
            ranges,
            (grid, groups) -> new CudaGptqSolver(library, busy, factor, grid, groups));
  }
}
