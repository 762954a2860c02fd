package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.util.Optional;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelSettings;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Models of checkpoints, as they lie there. */
public final class CheckpointModels implements ModelSource {
  private static final long serialVersionUID = 1;

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
    ModelParts parts = ModelParts.open(request, storage);
    ModelRequest.Capacity capacity = request.capacity();
    ModelSettings settings =
        ModelSettings.ofTokens(capacity.batchTokens()).withLongest(capacity.longest());
    try {
      return new OwningModel(
          LanguageModels.open(
              parts.checkpoint(),
              parts.files(),
              parts.operators(),
              capacity.memoryBytes() == 0 ? settings : settings.withMemory(capacity.memoryBytes())),
          parts.operators());
    } catch (RuntimeException e) {
      parts.close();
      throw e;
    }
  }
}
