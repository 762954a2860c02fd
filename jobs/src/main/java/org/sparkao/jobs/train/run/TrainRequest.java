package org.sparkao.jobs.train.run;

import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.train.plan.TrainPlan;

/**
 * What is to be carried out.
 *
 * @param plan what to do
 * @param device what computes
 * @param student what is trained
 * @param teacher whose outputs are learned, where it is another one
 * @param output folder, as it was named
 * @param saveEvery steps between states
 * @param partitions tasks of blocks; one an executor where nothing is said
 */
public record TrainRequest(
    TrainPlan plan,
    PlannedDevice device,
    TrainSource student,
    Optional<TrainSource> teacher,
    String output,
    int saveEvery,
    OptionalInt partitions) {}
