package org.sparkao.gpu.model;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.model.ModelOperators.EmbeddingTable;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.ProjectionSpec.Norm;

/** Puts parts of a model on a device; whoever asks closes them. */
record BlockLoader(ModelOperators operators, ModelConfig config, ModelWeights weights) {
  EmbeddingTable embedding() {
    return operators.embedding(weights.embedding());
  }

  DecoderLayer layer(int index) {
    return layer(weights.layers().get(index));
  }

  /** With weights that may have been read before. */
  DecoderLayer layer(LayerWeights layer) {
    return DecoderLayer.load(operators, config, layer);
  }

  /** The head; {@code table} is read where it is the embedding. */
  Projection head(EmbeddingTable table) {
    Norm norm = new Norm(weights.norm(), config.normEpsilon());
    ProjectionSpec spec = new ProjectionSpec("lm_head", Optional.of(norm), After.LOGITS);
    return weights
        .head()
        .map(head -> operators.project(spec, List.of(head)))
        .orElseGet(() -> operators.tiedHead(spec, table));
  }

  int layers() {
    return weights.layers().size();
  }

  boolean tied() {
    return weights.head().isEmpty();
  }
}
