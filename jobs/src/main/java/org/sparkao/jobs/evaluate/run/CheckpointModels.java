package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelSettings;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Models of checkpoints, as they lie there. */
public final class CheckpointModels implements ModelSource {
  private static final long serialVersionUID = 1;
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointModels.class);

  /** Fewer at a time make a device slow before they make much room. */
  private static final int LEAST_TOKENS = 8192;

  @Override
  public ModelFacts inspect(Checkpoint checkpoint, Storage storage) throws IOException {
    ModelConfig config = LanguageModels.inspect(checkpoint, storage.folder(checkpoint.location()));
    return new ModelFacts(
        config.architecture(),
        config.sizes().vocabulary(),
        config.sizes().context(),
        checkpoint.totalBytes());
  }

  @Override
  public Optional<String> cpuOnly() {
    return Optional.empty();
  }

  @Override
  public LanguageModel open(ModelRequest request, Storage storage) throws IOException {
    int least = Math.max(LEAST_TOKENS, request.capacity().longest());
    int tokens = request.capacity().batchTokens();
    while (tokens > least) {
      Optional<LanguageModel> resident =
          resident(ModelParts.open(request, storage), request, tokens);
      if (resident.isPresent()) {
        return resident.orElseThrow();
      }
      LOG.info("{} tokens at a time leave the weights no room: {}", tokens, request.location());
      tokens = Math.max(least, tokens / 2);
    }
    return open(ModelParts.open(request, storage), request, tokens);
  }

  /** The model, unless its weights have no room beside the memory of so many tokens. */
  private static Optional<LanguageModel> resident(
      ModelParts parts, ModelRequest request, int tokens) {
    try {
      LanguageModel model = open(parts, request, tokens);
      if (model.placement() == LanguageModel.Placement.RESIDENT) {
        return Optional.of(model);
      }
      model.close();
      return Optional.empty();
    } catch (OutOfDeviceMemoryException | QuantException e) {
      // What is wrong with the checkpoint is said by the last attempt.
      return Optional.empty();
    }
  }

  /** Closes the parts with the model, or when it cannot be made. */
  private static LanguageModel open(ModelParts parts, ModelRequest request, int tokens) {
    ModelRequest.Capacity capacity = request.capacity();
    ModelSettings settings =
        ModelSettings.ofTokens(tokens)
            .withLongest(capacity.longest())
            .withSequences(capacity.decoding().sequences())
            .withSteps(capacity.decoding().products())
            .withCache(request.form().cache());
    try {
      return new OwningModel(
          LanguageModels.open(
              parts.checkpoint(),
              parts.files(),
              parts.operators(),
              capacity.memoryBytes() == 0 ? settings : settings.withMemory(capacity.memoryBytes())),
          parts.operators(),
          request.form());
    } catch (RuntimeException e) {
      parts.close();
      throw e;
    }
  }
}
