package org.sparkao.jobs.evaluate.run;

import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.jobs.evaluate.logits.LogitsRequest;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * What is to be carried out.
 *
 * @param plan what to do
 * @param checkpoint the model's
 * @param source where models come from
 * @param settings how it is done
 */
public record EvaluateRequest(
    EvaluatePlan plan, Checkpoint checkpoint, ModelSource source, Settings settings) {

  /**
   * How it is done.
   *
   * @param form in which numbers the model computes
   * @param memoryBytes most memory of a model on a device; 0 for whatever there is
   * @param onlyFile the only file of the checkpoint that counts
   * @param partitions tasks of the stage; by the executors' slots where nothing is said
   * @param logits whether they are kept, and held against which
   */
  public record Settings(
      ModelForm form,
      long memoryBytes,
      Optional<String> onlyFile,
      OptionalInt partitions,
      LogitsRequest logits) {}
}
