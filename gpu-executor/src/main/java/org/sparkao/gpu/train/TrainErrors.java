package org.sparkao.gpu.train;

import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.quant.QuantException;

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
}
