package org.sparkao.jobs.calibrate.run;

import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.jobs.calibrate.plan.CalibrationPlan;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * What is to be carried out.
 *
 * @param plan what to do
 * @param checkpoint the model's
 * @param onlyFile the only file of the checkpoint that counts
 * @param arithmetic what hidden states are stored as
 * @param data where the text lies, as it was named
 * @param output folder, as it was named
 * @param partitions tasks; one an executor where nothing is said
 */
public record CalibrateRequest(
    CalibrationPlan plan,
    Checkpoint checkpoint,
    Optional<String> onlyFile,
    Arithmetic arithmetic,
    String data,
    String output,
    OptionalInt partitions) {}
