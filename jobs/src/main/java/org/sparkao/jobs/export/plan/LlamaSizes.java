package org.sparkao.jobs.export.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.llamacpp.RopeStretch;

/**
 * What {@code config.json} says about a model of the Llama family.
 *
 * @param layers number of blocks
 * @param context longest text in tokens
 * @param hidden size of a token between blocks
 * @param inner size within the MLP
 * @param heads of queries
 * @param keyHeads of keys and values
 * @param headSize numbers of a head
 * @param vocabulary tokens
 * @param epsilon of the norms
 * @param tied whether the embedding is the output too
 * @param rope positions
 */
record LlamaSizes(
    int layers,
    int context,
    int hidden,
    int inner,
    int heads,
    int keyHeads,
    int headSize,
    int vocabulary,
    double epsilon,
    boolean tied,
    Rope rope) {
  private static final String ARCHITECTURE = "LlamaForCausalLM";

  /**
   * Rotations by position.
   *
   * @param base the longest wave is about 2 pi times this
   * @param scaling how Llama 3 stretches waves; empty for none
   */
  record Rope(double base, Optional<RopeStretch> scaling) {}

  /**
   * Reads the configuration.
   *
   * @throws QuantException for another architecture, and for what is missing
   */
  static LlamaSizes of(Checkpoint checkpoint) {
    Reader config =
        new Reader(
            checkpoint.location() + "/config.json",
            checkpoint
                .config()
                .orElseThrow(
                    () ->
                        new QuantException(
                            checkpoint.location()
                                + ": has no config.json; export needs the model's folder")));
    String architecture = config.node().path("architectures").path(0).asText("none");
    if (!architecture.equals(ARCHITECTURE)) {
      throw config.refused("architectures", architecture, "only " + ARCHITECTURE + " is exported");
    }
    int hidden = config.whole("hidden_size");
    int heads = config.whole("num_attention_heads");
    int keyHeads =
        config.node().hasNonNull("num_key_value_heads")
            ? config.whole("num_key_value_heads")
            : heads;
    if (heads % keyHeads != 0) {
      throw config.refused(
          "num_key_value_heads", "" + keyHeads, "must divide the " + heads + " heads");
    }
    int headSize = config.node().hasNonNull("head_dim") ? config.whole("head_dim") : hidden / heads;
    return new LlamaSizes(
        config.whole("num_hidden_layers"),
        config.whole("max_position_embeddings"),
        hidden,
        config.whole("intermediate_size"),
        heads,
        keyHeads,
        headSize,
        config.whole("vocab_size"),
        config.node().path("rms_norm_eps").asDouble(1e-6),
        checkpoint.tieWordEmbeddings().orElse(Boolean.FALSE),
        rope(config));
  }

  private static Rope rope(Reader config) {
    JsonNode parameters = config.node().path("rope_parameters");
    JsonNode scaling = parameters.isObject() ? parameters : config.node().path("rope_scaling");
    double base =
        List.of(parameters, config.node()).stream()
            .map(node -> node.path("rope_theta"))
            .filter(JsonNode::isNumber)
            .findFirst()
            .map(JsonNode::asDouble)
            .orElse(10000.0);
    String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
    if (type.equals("default")) {
      return new Rope(base, Optional.empty());
    }
    if (!type.equals("llama3")) {
      throw config.refused("rope_type", type, "only default and llama3 are exported");
    }
    return new Rope(
        base,
        Optional.of(
            new RopeStretch(
                scaling.path("factor").asDouble(8),
                scaling.path("low_freq_factor").asDouble(1),
                scaling.path("high_freq_factor").asDouble(4),
                scaling.path("original_max_position_embeddings").asDouble(8192))));
  }

  private record Reader(String file, JsonNode node) {

    int whole(String key) {
      JsonNode value = node.path(key);
      if (!value.isInt() || value.intValue() < 1) {
        throw refused(key, value.toString(), "a whole number from 1 on is needed");
      }
      return value.intValue();
    }

    QuantException refused(String key, String value, String what) {
      return new QuantException(file + ": " + key + " is " + value + "; " + what);
    }
  }
}
