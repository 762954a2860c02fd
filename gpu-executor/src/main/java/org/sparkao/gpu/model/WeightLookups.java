package org.sparkao.gpu.model;

import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;

/** The table of contents of how checkpoints store weights. */
public final class WeightLookups {
  private WeightLookups() {}

  /** The weights of a checkpoint; nothing is read yet. */
  public static WeightLookup of(Checkpoint checkpoint, CheckpointFiles files) {
    return new PlainWeights(checkpoint, files);
  }
}
