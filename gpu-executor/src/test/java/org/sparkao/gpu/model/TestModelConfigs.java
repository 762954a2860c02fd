package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.quant.QuantException;

/** Configs as transformers writes them now and before, and those that are refused. */
class TestModelConfigs {
  private static final String LLAMA_31 =
      """
      {"architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 4096,
       "intermediate_size": 14336, "max_position_embeddings": 131072, "num_attention_heads": 32,
       "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
       "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 8192, "rope_type": "llama3"},
       "rope_theta": 500000.0, "tie_word_embeddings": false, "vocab_size": 128256}
      """;

  static List<String> models() {
    return TinyModel.ALL;
  }

  @Test
  void llama31() {
    ModelConfig config = ModelConfigs.parse(json(LLAMA_31), "config.json");
    assertThat(config.sizes()).isEqualTo(new ModelConfig.Sizes(128256, 4096, 14336, 32, 131072));
    assertThat(config.heads().dimension()).isEqualTo(128);
    assertThat(config.heads().keyHeads()).isEqualTo(8);
    assertThat(config.rope())
        .isEqualTo(new RopeConfig(500000, new RopeConfig.Llama3(8, 1, 4, 8192)));
    assertThat(config.traits().all()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("models")
  void theOldSpellingOfRopeMeansTheSame(String name) {
    TinyModel tiny = TinyModel.read(name);
    ObjectNode old = (ObjectNode) tiny.configJson();
    ObjectNode rope = (ObjectNode) old.remove("rope_parameters");
    old.set("rope_theta", rope.remove("rope_theta"));
    if (rope.get("rope_type").asText().equals("default")) {
      old.putNull("rope_scaling");
    } else {
      rope.set("type", rope.remove("rope_type"));
      old.set("rope_scaling", rope);
    }
    assertThat(ModelConfigs.parse(old, "config.json")).isEqualTo(tiny.config());
  }

  @Test
  void absentKeysHaveTheFamilysDefaults() {
    ObjectNode llama = (ObjectNode) json(LLAMA_31);
    llama.remove("num_key_value_heads");
    assertThat(ModelConfigs.parse(llama, "c").heads().keyHeads()).isEqualTo(32);
    ObjectNode mistral = (ObjectNode) json(LLAMA_31.replace("Llama", "Mistral"));
    assertThat(ModelConfigs.parse(mistral, "c").sizes().context()).isEqualTo(4096);
    mistral.putNull("sliding_window");
    assertThat(ModelConfigs.parse(mistral, "c").sizes().context()).isEqualTo(131072);
    ObjectNode qwen = (ObjectNode) json(LLAMA_31.replace("Llama", "Qwen2"));
    qwen.put("sliding_window", 100);
    assertThat(ModelConfigs.parse(qwen, "c").sizes().context()).isEqualTo(131072);
    qwen.put("use_sliding_window", true);
    assertThat(ModelConfigs.parse(qwen, "c").sizes().context()).isEqualTo(100);
  }

  /** Of Peng et al. 2023, section 3.4: 0.1 ln 4 + 1. */
  @Test
  void theAttentionFactorOfYarnFollowsFromItsFactor() {
    RopeConfig rope = TinyModel.read("llama-yarn").config().rope();
    assertThat(((RopeConfig.Yarn) rope.scaling()).attentionFactor())
        .isCloseTo(1.1386294, within(1e-7));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "silu"|"gelu"|hidden_act is "gelu"; only silu
          ["LlamaForCausalLM"]|["GPT2LMHeadModel"]|architectures is ["GPT2LMHeadModel"]; it is one
          ["LlamaForCausalLM"]|["DeepseekV3ForCausalLM"]|DeepSeek's latent attention is not run
          "rope_type": "llama3"|"rope_type": "longrope"|rope_scaling.rope_type is "longrope"; there
          "rope_type": "llama3"|"rope_type": "dynamic"|rope_scaling.rope_type is "dynamic"; there
          "factor": 8.0|"factor": -8.0|rope_scaling.factor is -8.0; it is a number above 0
          "hidden_size": 4096|"hidden_size": "4096"|hidden_size is "4096"; it is a whole number
          "vocab_size": 128256|"vocabulary": 1|vocab_size is missing; it is a whole number
          "num_key_value_heads": 8|"num_key_value_heads": 5|num_key_value_heads is 5; query heads
          """)
  void refused(String from, String to, String message) {
    JsonNode config = json(LLAMA_31.replace(from, to));
    assertThatThrownBy(() -> ModelConfigs.parse(config, "folder/config.json"))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith("folder/config.json: ")
        .hasMessageContaining(message);
  }

  @Test
  void mixturesInSomeLayersAreRefused() {
    ObjectNode config = (ObjectNode) TinyModel.read("qwen3-moe").configJson();
    config.put("decoder_sparse_step", 2);
    assertThatThrownBy(() -> ModelConfigs.parse(config, "c"))
        .hasMessageContaining("decoder_sparse_step is 2; models whose layers");
    config.put("decoder_sparse_step", 1).putArray("mlp_only_layers").add(0);
    assertThatThrownBy(() -> ModelConfigs.parse(config, "c"))
        .hasMessageContaining("mlp_only_layers is [0]; models whose layers");
  }

  private static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
