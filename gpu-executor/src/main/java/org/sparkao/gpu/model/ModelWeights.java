package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The weights of a model, as the checkpoint stores them; none is read yet.
 *
 * @param embedding [vocabulary, hidden]
 * @param layers in order
 * @param norm [hidden], before the head
 * @param head [vocabulary, hidden]; absent when it is the embedding
 */
public record ModelWeights(
    StoredTensor embedding,
    List<LayerWeights> layers,
    StoredTensor norm,
    Optional<LinearWeight> head) {
  /** All parts are given. */
  public ModelWeights {
    Objects.requireNonNull(embedding, "embedding");
    layers = List.copyOf(layers);
    Objects.requireNonNull(norm, "norm");
    Objects.requireNonNull(head, "head");
  }

  /**
   * Finds all weights by the names that transformers gives them.
   *
   * @throws org.sparkao.quant.QuantException naming the tensor that is missing or of another shape
   */
  public static ModelWeights of(ModelConfig config, WeightLookup lookup) {
    int vocabulary = config.sizes().vocabulary();
    int hidden = config.sizes().hidden();
    LayerLookup layer = new LayerLookup(config, lookup);
    List<LayerWeights> layers = new ArrayList<>();
    for (int i = 0; i < config.sizes().layers(); i++) {
      layers.add(layer.layer("model.layers." + i));
    }
    boolean tied = config.traits().has(ModelConfig.Trait.TIED_EMBEDDINGS);
    return new ModelWeights(
        lookup.tensor("model.embed_tokens.weight", List.of((long) vocabulary, (long) hidden)),
        layers,
        lookup.tensor("model.norm.weight", List.of((long) hidden)),
        tied ? Optional.empty() : Optional.of(lookup.linear("lm_head", vocabulary, hidden)));
  }
}
