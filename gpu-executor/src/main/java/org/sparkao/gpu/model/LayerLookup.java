package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.LayerWeights.FeedForward;
import org.sparkao.gpu.model.LayerWeights.HeadNormWeights;
import org.sparkao.gpu.model.ModelConfig.Experts;
import org.sparkao.gpu.model.ModelConfig.Trait;

/** Finds the weights of a layer by their names. */
final class LayerLookup {
  private final ModelConfig config;
  private final WeightLookup lookup;

  LayerLookup(ModelConfig config, WeightLookup lookup) {
    this.config = config;
    this.lookup = lookup;
  }

  LayerWeights layer(String name) {
    int hidden = config.sizes().hidden();
    HeadShape heads = config.heads();
    int keys = heads.keyHeads() * heads.dimension();
    String attention = name + ".self_attn.";
    return new LayerWeights(
        name,
        norm(name + ".input_layernorm", hidden),
        List.of(
            linear(attention + "q_proj", heads.queryElements(), hidden, Trait.QKV_BIAS),
            linear(attention + "k_proj", keys, hidden, Trait.QKV_BIAS),
            linear(attention + "v_proj", keys, hidden, Trait.QKV_BIAS)),
        headNorms(attention),
        linear(attention + "o_proj", hidden, heads.queryElements(), Trait.OUTPUT_BIAS),
        norm(name + ".post_attention_layernorm", hidden),
        config.experts().map(e -> routed(name, e)).orElseGet(() -> dense(name + ".mlp.")));
  }

  private Optional<HeadNormWeights> headNorms(String attention) {
    if (!config.traits().has(Trait.HEAD_NORMS)) {
      return Optional.empty();
    }
    int dimension = config.heads().dimension();
    return Optional.of(
        new HeadNormWeights(
            norm(attention + "q_norm", dimension), norm(attention + "k_norm", dimension)));
  }

  private FeedForward dense(String mlp) {
    int hidden = config.sizes().hidden();
    int inner = config.sizes().intermediate();
    return new LayerWeights.Dense(
        linear(mlp + "gate_proj", inner, hidden, Trait.MLP_BIAS),
        linear(mlp + "up_proj", inner, hidden, Trait.MLP_BIAS),
        linear(mlp + "down_proj", hidden, inner, Trait.MLP_BIAS));
  }

  /** Mixtral names the matrices of an expert otherwise than Qwen. */
  private FeedForward routed(String name, Experts experts) {
    boolean mixtral = config.architecture().equals(ModelFamily.MIXTRAL.architecture());
    String block = name + (mixtral ? ".block_sparse_moe." : ".mlp.");
    List<String> parts =
        mixtral ? List.of("w1", "w3", "w2") : List.of("gate_proj", "up_proj", "down_proj");
    int hidden = config.sizes().hidden();
    List<Mixture.Expert> all = new ArrayList<>();
    for (int i = 0; i < experts.count(); i++) {
      String expert = block + "experts." + i + ".";
      all.add(
          new Mixture.Expert(
              lookup.linear(expert + parts.get(0), experts.intermediate(), hidden),
              lookup.linear(expert + parts.get(1), experts.intermediate(), hidden),
              lookup.linear(expert + parts.get(2), hidden, experts.intermediate())));
    }
    return new LayerWeights.Routed(lookup.linear(block + "gate", experts.count(), hidden), all);
  }

  private StoredTensor norm(String module, int elements) {
    return lookup.tensor(module + ".weight", List.of((long) elements));
  }

  /** With its bias where the config has one; a bias that the config has not is refused. */
  private LinearWeight linear(String module, int n, int k, Trait bias) {
    LinearWeight weight = lookup.linear(module, n, k);
    String name = module + ".bias";
    if (config.traits().has(bias)) {
      StoredTensor values = lookup.tensor(name, List.of((long) n));
      return new LinearWeight(weight.name(), n, k, weight.form(), Optional.of(values));
    }
    if (lookup.holds(name)) {
      throw ModelErrors.unexpected(name, config.architecture());
    }
    return weight;
  }
}
