package org.sparkao.jobs.train.run;

import java.util.Optional;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * A model that is read.
 *
 * @param checkpoint its headers
 * @param onlyFile the only file of the checkpoint that counts
 */
public record TrainSource(Checkpoint checkpoint, Optional<String> onlyFile) {}
