package org.sparkao.jobs.export.run;

import java.io.IOException;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;

/**
 * The weights of the quantized checkpoint that this executor exports: its headers are read by the
 * first task alone. Spark gives no way from a task to what another one left: hence the static
 * field, which holds what the headers say.
 */
final class OpenedWeights {
  private static OpenedWeights last = new OpenedWeights("", null);

  private final String fingerprint;
  private final WeightLookup weights;

  private OpenedWeights(String fingerprint, WeightLookup weights) {
    this.fingerprint = fingerprint;
    this.weights = weights;
  }

  /**
   * Those of a checkpoint.
   *
   * @param fingerprint of it, at planning
   */
  static synchronized WeightLookup of(CheckpointFiles files, String fingerprint)
      throws IOException {
    String wanted = files.location() + " " + fingerprint;
    if (!last.fingerprint.equals(wanted)) {
      last = new OpenedWeights(wanted, WeightLookups.of(Checkpoint.open(files), files));
    }
    return last.weights;
  }
}
