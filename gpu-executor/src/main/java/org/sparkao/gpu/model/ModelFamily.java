package org.sparkao.gpu.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkao.gpu.model.Mixture.Weighting;
import org.sparkao.gpu.model.ModelConfig.Experts;
import org.sparkao.gpu.model.ModelConfig.Trait;

/** The architectures that are run, and the defaults of their configuration classes. */
enum ModelFamily {
  /** Llama 2, 3, 3.1, 3.2, SmolLM2. */
  LLAMA("LlamaForCausalLM", Set.of(), 0, 0),
  MISTRAL("MistralForCausalLM", Set.of(), 8, 0),
  QWEN2("Qwen2ForCausalLM", Set.of(Trait.QKV_BIAS), 32, 0),
  QWEN3("Qwen3ForCausalLM", Set.of(Trait.HEAD_NORMS), 32, 128),
  MIXTRAL("MixtralForCausalLM", Set.of(), 8, 0),
  QWEN3_MOE("Qwen3MoeForCausalLM", Set.of(Trait.HEAD_NORMS), 4, 0);

  private static final int WINDOW = 4096;

  private final String architecture;
  private final Set<Trait> traits;
  private final int keyHeads;
  private final int headDimension;

  /** 0: as many key heads as heads; 0: hidden size over heads. */
  ModelFamily(String architecture, Set<Trait> traits, int keyHeads, int headDimension) {
    this.architecture = architecture;
    this.traits = traits;
    this.keyHeads = keyHeads;
    this.headDimension = headDimension;
  }

  /** The family of a config. */
  static ModelFamily of(ConfigKeys keys) {
    JsonNode names = keys.value("architectures");
    String name = names.path(0).asText("");
    if (names.size() == 1 && name.startsWith("Deepseek")) {
      throw keys.refused(
          "architectures",
          "DeepSeek's latent attention is not run (its checkpoints are quantized data-free)");
    }
    return Arrays.stream(values())
        .filter(family -> names.size() == 1 && family.architecture.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                keys.refused("architectures", "it is one of " + known() + "; others are not run"));
  }

  private static String known() {
    return Arrays.stream(values()).map(ModelFamily::architecture).collect(Collectors.joining(", "));
  }

  String architecture() {
    return architecture;
  }

  Set<Trait> traits() {
    return traits;
  }

  /** Where num_key_value_heads is absent; 0 for as many as heads. */
  int keyHeads() {
    return keyHeads;
  }

  /** Where head_dim is absent; 0 for hidden size over heads. */
  int headDimension() {
    return headDimension;
  }

  double ropeBase() {
    return this == MIXTRAL ? 1e6 : 1e4;
  }

  double normEpsilon() {
    return this == MIXTRAL ? 1e-5 : 1e-6;
  }

  /** Whether attention_bias counts. */
  boolean readsBiases() {
    return this == LLAMA || this == QWEN3 || this == QWEN3_MOE;
  }

  /** Most positions that a token sees: no limit without a sliding window. */
  int window(ConfigKeys keys) {
    return switch (this) {
      case LLAMA -> Integer.MAX_VALUE;
      case MISTRAL -> absentMeansDefault(keys);
      case MIXTRAL -> keys.size("sliding_window", Integer.MAX_VALUE);
      case QWEN2, QWEN3, QWEN3_MOE ->
          keys.flag("use_sliding_window", false)
              ? keys.size("sliding_window", WINDOW)
              : Integer.MAX_VALUE;
    };
  }

  /** null is no window, and an absent key the default. */
  private static int absentMeansDefault(ConfigKeys keys) {
    return keys.size("sliding_window", keys.isNull("sliding_window") ? Integer.MAX_VALUE : WINDOW);
  }

  /** The mixture of experts of every layer. */
  Optional<Experts> experts(ConfigKeys keys) {
    return switch (this) {
      case MIXTRAL ->
          Optional.of(
              new Experts(
                  keys.size("num_local_experts", 8),
                  perToken(keys, 2, keys.size("num_local_experts", 8)),
                  keys.size("intermediate_size"),
                  Weighting.NORMALIZED));
      case QWEN3_MOE -> Optional.of(qwenExperts(keys));
      case LLAMA, MISTRAL, QWEN2, QWEN3 -> Optional.empty();
    };
  }

  private static Experts qwenExperts(ConfigKeys keys) {
    String everyLayer = "models whose layers are not all mixtures of experts are not run";
    if (keys.size("decoder_sparse_step", 1) != 1) {
      throw keys.refused("decoder_sparse_step", everyLayer);
    }
    if (keys.value("mlp_only_layers").size() != 0) {
      throw keys.refused("mlp_only_layers", everyLayer);
    }
    String count = keys.has("num_experts") ? "num_experts" : "num_local_experts";
    int experts = keys.size(count, 128);
    return new Experts(
        experts,
        perToken(keys, 8, experts),
        keys.size("moe_intermediate_size", 768),
        keys.flag("norm_topk_prob", false) ? Weighting.NORMALIZED : Weighting.AS_ROUTED);
  }

  private static int perToken(ConfigKeys keys, int absent, int experts) {
    int perToken = keys.size("num_experts_per_tok", absent);
    if (perToken > experts) {
      throw keys.refused("num_experts_per_tok", "there are " + experts + " experts");
    }
    return perToken;
  }
}
