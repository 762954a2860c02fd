package org.sparkao.jobs.calibrate.plan;

import java.util.List;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.ModelConfig;

/**
 * What is to be done.
 *
 * @param model what the headers say
 * @param weightBytes of the checkpoint
 * @param blocks in order
 * @param sequences tokens of each sample
 * @param sha256 of the tokens
 * @param options what decides the content
 */
public record CalibrationPlan(
    ModelConfig model,
    long weightBytes,
    List<BlockInputs> blocks,
    List<int[]> sequences,
    String sha256,
    CalibrateOptions options) {
  /** Freezes the lists. */
  public CalibrationPlan {
    blocks = List.copyOf(blocks);
    sequences = List.copyOf(sequences);
  }

  /** Tokens of all sequences. */
  public long tokens() {
    return (long) options.samples() * options.sequenceLength();
  }

  /** Sequences of neighbouring groups. */
  public List<int[]> sequences(int firstGroup, int endGroup) {
    return List.copyOf(
        sequences.subList(options.firstSequence(firstGroup), options.firstSequence(endGroup)));
  }
}
