package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.io.Serializable;
import java.util.Optional;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Where models come from. Travels to the executors. */
public interface ModelSource extends Serializable {
  /**
   * What the headers say, on the driver.
   *
   * @throws org.sparkao.quant.QuantException for a model that cannot be run, saying why
   */
  ModelFacts inspect(Checkpoint checkpoint, Storage storage) throws IOException;

  /** Why GPUs cannot do it, if so. */
  Optional<String> cpuOnly();

  /**
   * Opens a model on an executor; the caller closes it.
   *
   * @throws org.sparkao.quant.QuantException for weights that cannot be run
   */
  LanguageModel open(ModelRequest request, Storage storage) throws IOException;
}
