package org.sparkao.gpu.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.ModelConfig.Experts;
import org.sparkao.gpu.model.ModelConfig.Sizes;
import org.sparkao.gpu.model.ModelConfig.Trait;
import org.sparkao.gpu.model.ModelConfig.Traits;

/**
 * Reads {@code config.json} as transformers writes it: version 5 and before. What is absent has the
 * default of the family's configuration class.
 */
public final class ModelConfigs {
  private ModelConfigs() {}

  /**
   * What a model is.
   *
   * @param config the object of {@code config.json}
   * @param location of the file, for messages
   * @throws org.sparkao.quant.QuantException when the model is none that is run; names file, key,
   *     value and the way out
   */
  public static ModelConfig parse(JsonNode config, String location) {
    ConfigKeys keys = ConfigKeys.of(location, config);
    ModelFamily family = ModelFamily.of(keys);
    String activation = keys.text("hidden_act", "silu");
    if (!activation.equals("silu")) {
      throw keys.refused("hidden_act", "only silu is computed; this model is not run");
    }
    HeadShape heads = heads(keys, family);
    Optional<Experts> experts = family.experts(keys);
    return new ModelConfig(
        family.architecture(),
        sizes(keys, family, experts),
        heads,
        RopeParser.parse(keys, family.ropeBase()),
        (float) keys.positive("rms_norm_eps", family.normEpsilon()),
        traits(keys, family),
        experts);
  }

  private static HeadShape heads(ConfigKeys keys, ModelFamily family) {
    int queries = keys.size("num_attention_heads");
    int absent = family.keyHeads() == 0 ? queries : family.keyHeads();
    int keyHeads = keys.size("num_key_value_heads", absent);
    int hidden = keys.size("hidden_size");
    int dimension =
        keys.has("head_dim") || family.headDimension() == 0
            ? keys.size("head_dim", hidden / queries)
            : family.headDimension();
    try {
      return new HeadShape(queries, keyHeads, dimension);
    } catch (IllegalArgumentException e) {
      String key = queries % keyHeads == 0 ? "head_dim" : "num_key_value_heads";
      throw keys.refused(key, e.getMessage());
    }
  }

  private static Sizes sizes(ConfigKeys keys, ModelFamily family, Optional<Experts> experts) {
    int intermediate =
        experts.map(Experts::intermediate).orElseGet(() -> keys.size("intermediate_size"));
    return new Sizes(
        keys.size("vocab_size"),
        keys.size("hidden_size"),
        intermediate,
        keys.size("num_hidden_layers"),
        Math.min(keys.size("max_position_embeddings"), family.window(keys)));
  }

  private static Traits traits(ConfigKeys keys, ModelFamily family) {
    Set<Trait> traits = EnumSet.noneOf(Trait.class);
    traits.addAll(family.traits());
    if (family.readsBiases() && keys.flag("attention_bias", false)) {
      traits.add(Trait.QKV_BIAS);
      traits.add(Trait.OUTPUT_BIAS);
    }
    if (family == ModelFamily.LLAMA && keys.flag("mlp_bias", false)) {
      traits.add(Trait.MLP_BIAS);
    }
    if (keys.flag("tie_word_embeddings", false)) {
      traits.add(Trait.TIED_EMBEDDINGS);
    }
    return new Traits(traits);
  }
}
