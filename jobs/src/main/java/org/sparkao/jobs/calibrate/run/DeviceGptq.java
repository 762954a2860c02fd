package org.sparkao.jobs.calibrate.run;

import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.executor.GpuExecutor;
import org.sparkao.gpu.gptq.CudaGptq;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.calibrated.CpuGptq;
import org.sparkao.quant.calibrated.Gptq;
import org.sparkao.quant.observe.Workers;

/**
 * GPTQ where the model runs, and how the rows of a weight are dealt out: a quantizer for each piece
 * of them on the cores of a processor, one for all on a GPU, in the caller's stream.
 *
 * @param workers do the pieces
 * @param onGpu whether it is a GPU
 */
record DeviceGptq(Gptq gptq, Workers workers, boolean onGpu) {
  private static final int ROWS = 64;

  /** The planned one. */
  static DeviceGptq of(PlannedDevice planned) {
    if (planned.kind() == DeviceInfo.Kind.CPU) {
      return new DeviceGptq(new CpuGptq(Workers.ALL_CORES), Workers.ALL_CORES, false);
    }
    GpuExecutor gpu = ExecutorGpu.require();
    return new DeviceGptq(new CudaGptq(gpu.kernels(), gpu.busy()), Workers.CALLER, true);
  }

  /** Rows of a piece, about. */
  int rows(TensorQuantizer quantizer, int rowBytes) {
    return onGpu ? Math.max(1, quantizer.sliceBytes() / rowBytes) : ROWS;
  }

  /** Quantizers for so many pieces. */
  int quantizers(int pieces) {
    return onGpu ? 1 : pieces;
  }
}
