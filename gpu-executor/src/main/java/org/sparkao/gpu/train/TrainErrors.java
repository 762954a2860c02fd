package org.sparkao.gpu.train;

import java.util.List;
import java.util.Map;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/** What is not trained here: what, the values, the way out. */
final class TrainErrors {
  private TrainErrors() {}

  static void requireDense(ModelConfig config) {
    if (config.experts().isPresent()) {
      throw new QuantException(
          "config.json: architectures is "
              + config.architecture()
              + ", a mixture of "
              + config.experts().get().count()
              + " experts; only dense models are trained: use quantize with calibration for it");
    }
  }

  static void requireFits(TokenBatch batch, ModelSetup setup) {
    if (batch.tokens() > setup.tokens() || batch.longest() > setup.longest()) {
      throw new IllegalArgumentException(
          "a batch of %d tokens, the longest sequence %d, where at most %d and %d were reserved"
              .formatted(batch.tokens(), batch.longest(), setup.tokens(), setup.longest()));
    }
  }

  static void requireTrainable(int index, int[] sequence, TrainableModel model) {
    int vocabulary = model.config().sizes().vocabulary();
    int most = Math.min(model.setup().longest(), model.setup().tokens());
    if (sequence.length < 2 || sequence.length > most) {
      throw new QuantException(
          "sequence %d of the training data has %d tokens; sequences have 2 to %d: cut it"
              .formatted(index, sequence.length, most));
    }
    for (int id : sequence) {
      if (id < 0 || id >= vocabulary) {
        throw new QuantException(
            ("sequence %d of the training data has token %d, and vocab_size of the model is %d; use"
                    + " the model's own tokenizer")
                .formatted(index, id, vocabulary));
      }
    }
  }

  static QuantException otherTraining(String file, String found, String wanted) {
    return new QuantException(
        file
            + ": was written by a training with "
            + found
            + ", and this one has "
            + wanted
            + "; resume with the options of the run that wrote it");
  }

  /** Refuses a file of other tensors. */
  static void requireSame(String file, Map<String, TensorEntry> found, List<TensorSpec> wanted) {
    for (TensorSpec spec : wanted) {
      TensorEntry entry = found.get(spec.name());
      String is = entry == null ? "missing" : entry.dtype() + " " + entry.shape();
      if (!is.equals(spec.dtype() + " " + spec.shape())) {
        throw otherTraining(file, spec.name() + " " + is, spec.dtype() + " " + spec.shape());
      }
    }
    if (found.size() != wanted.size()) {
      throw otherTraining(file, found.size() + " tensors", Integer.toString(wanted.size()));
    }
  }
}
