package org.sparkao.jobs.quantize.plan;

import java.util.Optional;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * What a run reads beside the checkpoint.
 *
 * @param inputScales a file with the scales of inputs, for schemes that need them
 * @param statistics of inputs, for algorithms that need them
 * @param learned scales of weights that training learned
 */
public record GivenFiles(
    Optional<Checkpoint> inputScales,
    Optional<CalibrationFolder> statistics,
    Optional<LearnedScales> learned) {
  /** The checkpoint alone. */
  public static final GivenFiles NONE = inputScales(Optional.empty());

  /** At most scales of inputs. */
  public static GivenFiles inputScales(Optional<Checkpoint> file) {
    return new GivenFiles(file, Optional.empty(), Optional.empty());
  }
}
