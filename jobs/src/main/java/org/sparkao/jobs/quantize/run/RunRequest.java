package org.sparkao.jobs.quantize.run;

import java.util.List;
import java.util.Map;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * What is to be carried out.
 *
 * @param plan what to do
 * @param source checkpoint that is read
 * @param given what is read beside it
 * @param output folder that is written, as the user named it
 * @param scheme default scheme, for the tables
 * @param recipe the part of it that decides the output, for whoever finds the output
 */
public record RunRequest(
    QuantizePlan plan,
    Checkpoint source,
    GivenFiles given,
    String output,
    String scheme,
    Map<String, List<String>> recipe) {

  /** Whether the scales of a module are given. */
  boolean learned(String module) {
    return given.learned().filter(scales -> scales.file().has(module)).isPresent();
  }
}
