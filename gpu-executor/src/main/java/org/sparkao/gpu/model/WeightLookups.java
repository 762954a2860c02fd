package org.sparkao.gpu.model;

import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.config.CheckpointQuantization;

/** The table of contents of how checkpoints store weights. */
public final class WeightLookups {
  private WeightLookups() {}

  /**
   * The weights of a checkpoint, plain or quantized; nothing is read yet.
   *
   * @throws org.sparkao.quant.QuantException when it is quantized in a way that is not read
   */
  public static WeightLookup of(Checkpoint checkpoint, CheckpointFiles files) {
    return CheckpointQuantization.of(checkpoint)
        .<WeightLookup>map(quantization -> new QuantizedWeights(checkpoint, files, quantization))
        .orElseGet(() -> new PlainWeights(checkpoint, files));
  }
}
