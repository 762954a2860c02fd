package org.sparkao.jobs.quantize.plan;

import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.gptq.CudaGptq;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.quantize.plan.TensorTask.Layer;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.calibrated.CpuGptq;
import org.sparkao.quant.calibrated.SparseGpt;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.prune.Sparsity;
import org.sparkao.quant.prune.WeightPruner;

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
    long most = 0;
    for (TensorTask task : shard.tensors()) {
      if (task instanceof Layer layer) {
        long k = layer.weight().columns();
        if (arithmetic.prunesBy() == Needs.INPUT_PRODUCTS) {
          long moments = Float.BYTES * k * k + CpuGptq.bytes(k);
          most = Math.max(most, moments + pruningBytes(arithmetic.sparsity(), layer.weight()));
        } else if (arithmetic.needsProducts() && task instanceof Quantize) {
          long made = device == Kind.CUDA ? CudaGptq.HEAP_BYTES : CpuGptq.bytes(k);
          most = Math.max(most, Float.BYTES * k * k + made);
        }
      }
    }
    return most;
  }

  /** Of SparseGPT: a share of a weight needs all of it at once. */
  private static long pruningBytes(Sparsity sparsity, WeightSource weight) {
    long tiles = SparseGpt.bytes(sparsity.pattern(), weight.rows(), weight.columns());
    return sparsity.pattern().grouped()
        ? tiles
        : tiles
            + WeightPruner.bytes(weight.rows(), weight.columns())
            + weight.rows() * weight.dtype().bytes(weight.columns());
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
              + (arithmetic.prunesBy() == Needs.INPUT_PRODUCTS
                  ? arithmetic.sparsity().algorithm().configName()
                  : arithmetic.algorithm().configName())
              + " holds second moments of "
              + ByteSize.format(bytes)
              + ", and tasks share "
              + ByteSize.format(heapBytes)
              + " of the heap; give executors more memory (SPARKAO_MEMORY for a local run), --skip the modules"
              + " with the longest rows, or use "
              + (arithmetic.prunesBy() == Needs.INPUT_PRODUCTS
                  ? "--sparsity-algorithm wanda"
                  : "--algorithm imatrix"));
    }
  }
}
