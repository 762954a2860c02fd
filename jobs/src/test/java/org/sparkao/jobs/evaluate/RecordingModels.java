package org.sparkao.jobs.evaluate;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModel.Placement;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.evaluate.run.CheckpointModels;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Models of checkpoints; remembers where weights were, for all tests of this JVM. */
public final class RecordingModels implements ModelSource {
  /** Of the models that were opened, in order. */
  public static final List<Placement> PLACEMENTS = new CopyOnWriteArrayList<>();

  private static final long serialVersionUID = 1;

  private final CheckpointModels models = new CheckpointModels();

  @Override
  public ModelFacts inspect(Checkpoint checkpoint, Storage storage) throws IOException {
    return models.inspect(checkpoint, storage);
  }

  @Override
  public Optional<String> cpuOnly() {
    return models.cpuOnly();
  }

  @Override
  public LanguageModel open(ModelRequest request, Storage storage) throws IOException {
    LanguageModel model = models.open(request, storage);
    PLACEMENTS.add(model.placement());
    return model;
  }
}
