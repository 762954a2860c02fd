package org.sparkao.gpu.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayDeque;
import java.util.Deque;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;

/** Opens checkpoints as models. */
public final class LanguageModels {
  private LanguageModels() {}

  /**
   * What a checkpoint is, with every weight found by name and shape; nothing is read but headers.
   *
   * @param files of the same folder
   * @throws org.sparkao.quant.QuantException as {@link #open(Checkpoint, CheckpointFiles,
   *     ModelOperators, ModelSettings)}, but for memory
   */
  public static ModelConfig inspect(Checkpoint checkpoint, CheckpointFiles files) {
    ModelConfig config = config(checkpoint);
    ModelWeights.of(config, WeightLookups.of(checkpoint, files));
    return config;
  }

  private static ModelConfig config(Checkpoint checkpoint) {
    JsonNode config =
        checkpoint.config().orElseThrow(() -> ModelErrors.noConfig(checkpoint.location()));
    return ModelConfigs.parse(config, checkpoint.location() + "/config.json");
  }

  /**
   * Opens a checkpoint. What is wrong with it is refused before a weight is read.
   *
   * @param files of the same folder
   * @param operators where and how it computes; stay the caller's, for this model alone
   * @return the caller closes it; {@link LanguageModel#placement()} says whether the weights fitted
   *     into the memory
   * @throws org.sparkao.quant.QuantException when the checkpoint is no model that is run, a tensor
   *     is missing or has another shape, or the memory does not even hold one block
   */
  public static LanguageModel open(
      Checkpoint checkpoint,
      CheckpointFiles files,
      ModelOperators operators,
      ModelSettings settings) {
    return open(config(checkpoint), WeightLookups.of(checkpoint, files), operators, settings);
  }

  /** Opens a model whose weights come from anywhere. */
  public static LanguageModel open(
      ModelConfig config, WeightLookup lookup, ModelOperators operators, ModelSettings settings) {
    ModelWeights weights = ModelWeights.of(config, lookup);
    operators.require(config.heads());
    long limit = Math.min(settings.memoryBytes(), operators.device().budget().free());
    long before = operators.device().budget().inUse();
    int longest = Math.min(config.sizes().context(), settings.longest());
    int dimension = config.heads().dimension();
    PassMemory.Sizes sizes = PassMemory.Sizes.of(config, settings.batchTokens(), operators);
    long own = sizes.bytes() + RotaryTables.bytes(dimension, longest);
    MemoryPlan.of(operators, weights, own).placement(limit);
    Deque<AutoCloseable> opened = new ArrayDeque<>();
    try {
      operators.reserve(settings.batchTokens(), longest);
      PassMemory memory = new PassMemory(operators.device(), sizes);
      opened.push(memory);
      RotaryTables rotation =
          RotaryTables.load(operators.device(), config.rope(), dimension, longest);
      opened.push(rotation);
      long work = operators.device().budget().inUse() - before;
      BlockLoader loader = new BlockLoader(operators, config, weights);
      MemoryPlan plan = MemoryPlan.of(operators, weights, work);
      LanguageModel.Placement placement = plan.placement(limit);
      ModelBlocks blocks =
          switch (placement) {
            case RESIDENT -> new ResidentBlocks(loader);
            case STREAMED -> new StreamedBlocks(loader);
          };
      ModelSettings left = settings.withMemory(Math.max(1, limit - plan.bytes(placement)));
      return new DecoderModel(operators, config, left, memory, rotation, blocks);
    } catch (RuntimeException e) {
      Closing.all(opened);
      throw e;
    }
  }
}
