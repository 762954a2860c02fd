package org.sparkao.gpu.train;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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

  /** Refuses sizes that the kernels lack. */
  static void requireFloat8(ModelConfig config, ModelSetup setup) {
    if (setup.float8() == Float8.NONE) {
      return;
    }
    Map<String, Integer> sizes =
        Map.of(
            "hidden_size", config.sizes().hidden(),
            "intermediate_size", config.sizes().intermediate(),
            "the width of queries", config.heads().queryElements(),
            "the width of queries, keys and values", config.heads().rowElements());
    new TreeMap<>(sizes)
        .forEach(
            (name, size) -> {
              if (size % Float8Products.STEP != 0) {
                throw new QuantException(
                    "config.json: "
                        + name
                        + " is "
                        + size
                        + ", and float8 products need multiples of "
                        + Float8Products.STEP
                        + "; train without float8");
              }
            });
  }

  static QuantException inputsQuantizedTwice(String module) {
    return new QuantException(
        module
            + ": its inputs are fake-quantized, and float8 would round what its scheme makes of them"
            + " once more; use a scheme of weights alone such as W4A16, or train without float8");
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
