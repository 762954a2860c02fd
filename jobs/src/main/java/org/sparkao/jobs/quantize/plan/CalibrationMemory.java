package org.sparkao.jobs.quantize.plan;

import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.calibrated.CpuGptq;

/** What a task holds beside its slices: second moments of one input, and what is made of them. */
public final class CalibrationMemory {
  private CalibrationMemory() {}

  /** The most that the task of a file holds at a time. */
  public static long bytes(Arithmetic arithmetic, ShardTask shard) {
    if (arithmetic.algorithm().needs() != Needs.INPUT_PRODUCTS) {
      return 0;
    }
    long most = 0;
    for (TensorTask task : shard.tensors()) {
      if (task instanceof Quantize weight) {
        long k = weight.weight().columns();
        most = Math.max(most, Float.BYTES * k * k + CpuGptq.bytes(k));
      }
    }
    return most;
  }

  /**
   * Refuses what cannot fit.
   *
   * @param heapBytes most that a task may hold
   */
  public static void require(Arithmetic arithmetic, ShardTask shard, long heapBytes) {
    long bytes = bytes(arithmetic, shard);
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
