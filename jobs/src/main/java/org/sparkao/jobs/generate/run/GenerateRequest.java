package org.sparkao.jobs.generate.run;

import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.generate.plan.GeneratePlan;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * What is to be carried out.
 *
 * @param plan what to do
 * @param checkpoint the model's
 * @param source where models come from
 * @param output folder of the files
 * @param settings how it is done
 */
public record GenerateRequest(
    GeneratePlan plan,
    Checkpoint checkpoint,
    ModelSource source,
    String output,
    Settings settings) {

  /**
   * How it is done. Samples depend on the type of the cache alone.
   *
   * @param batch most sequences at a time
   * @param partitions files; by batches and executors where nothing is said
   * @param memoryBytes most memory of a model on a device; 0 for whatever there is
   * @param cache what keys and values are stored as
   * @param onlyFile the only file of the checkpoint that counts
   */
  public record Settings(
      int batch,
      OptionalInt partitions,
      long memoryBytes,
      KvCache.Type cache,
      Optional<String> onlyFile) {}
}
