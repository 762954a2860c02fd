package org.sparkao.jobs.quantize.run;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.quantize.plan.CalibrationFolder;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * What is to be carried out.
 *
 * @param plan what to do
 * @param source checkpoint that is read
 * @param calibration input scales that are given
 * @param statistics of inputs, for algorithms that look at them
 * @param output folder that is written, as the user named it
 * @param scheme default scheme, for the tables
 * @param recipe the part of it that decides the output, for whoever finds the output
 */
public record RunRequest(
    QuantizePlan plan,
    Checkpoint source,
    Optional<Checkpoint> calibration,
    Optional<CalibrationFolder> statistics,
    String output,
    String scheme,
    Map<String, List<String>> recipe) {}
