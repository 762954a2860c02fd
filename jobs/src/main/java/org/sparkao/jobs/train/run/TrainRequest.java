package org.sparkao.jobs.train.run;

import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.train.plan.TrainPlan;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * What is to be carried out.
 *
 * @param plan what to do
 * @param device what computes
 * @param checkpoint the model's
 * @param onlyFile the only file of the checkpoint that counts
 * @param output folder, as it was named
 * @param saveEvery steps between states
 * @param partitions tasks of blocks; one an executor where nothing is said
 */
public record TrainRequest(
    TrainPlan plan,
    PlannedDevice device,
    Checkpoint checkpoint,
    Optional<String> onlyFile,
    String output,
    int saveEvery,
    OptionalInt partitions) {}
