package org.sparkao.jobs.quantize.plan;

import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.gptq.CudaGptq;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.calibrated.CpuGptq;

/**
 * What a task holds of the heap beside its slices: second moments of one input, and what is made of
 * them, unless that lies on a GPU.
 */
public final class CalibrationMemory {
  private CalibrationMemory() {}

  /** The most that the task of a file holds of a GPU that does gptq. */
  public static long deviceBytes(Arithmetic arithmetic, ShardTask shard) {
    if (arithmetic.algorithm() != WeightAlgorithm.GPTQ) {
      return 0;
    }
    return shard.tensors().stream()
        .filter(Quantize.class::isInstance)
        .mapToLong(task -> CudaGptq.bytes(((Quantize) task).weight().columns()))
        .max()
        .orElse(0);
  }

  /** The most that the task of a file holds of the heap at a time. */
  public static long bytes(Arithmetic arithmetic, ShardTask shard, Kind device) {
    if (arithmetic.algorithm().needs() != Needs.INPUT_PRODUCTS) {
      return 0;
    }
    long most = 0;
    for (TensorTask task : shard.tensors()) {
      if (task instanceof Quantize weight) {
        long k = weight.weight().columns();
        long made = device == Kind.CUDA ? CudaGptq.HEAP_BYTES : CpuGptq.bytes(k);
        most = Math.max(most, Float.BYTES * k * k + made);
      }
    }
    return most;
  }

  /**
   * Refuses what cannot fit.
   *
   * @param heapBytes most that a task may hold
   */
  public static void require(Arithmetic arithmetic, ShardTask shard, Kind device, long heapBytes) {
    long bytes = bytes(arithmetic, shard, device);
    if (bytes > heapBytes) {
      throw new QuantException(
          shard.file()
              + ": algorithm "
              + arithmetic.algorithm().configName()
              + " holds second moments of "
              + ByteSize.format(bytes)
              + ", and tasks share "
              + ByteSize.format(heapBytes)
              + " of the heap; give executors more memory (SPARKAO_MEMORY for a local run), --skip the modules"
              + " with the longest rows, or use --algorithm imatrix");
    }
  }
}
