package org.sparkao.jobs.quantize.plan;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.quantize.plan.LinearModules.Kind;

/** Names out of checkpoints of these models. */
class TestLinearModules {

  @ParameterizedTest
  @CsvSource({
    "Llama, lm_head, 2, HEAD",
    "GPT-NeoX, embed_out, 2, HEAD",
    "ChatGLM, transformer.output_layer, 2, HEAD",
    "Llama as Meta stores it, output, 2, HEAD",
    "RWKV, head, 2, HEAD",
    "a reward model, score, 2, HEAD",
    "DeepSeek-V3's next token prediction, model.layers.61.shared_head.head, 2, HEAD",
    "a head that is no output, model.layers.0.attention.head, 2, LINEAR",
    "Gemma 3n, model.embed_vision.embedding_projection, 2, VISION",
    "Gemma 3n, model.embed_audio.embedding, 2, EMBEDDING",
    "Gemma 3n, model.language_model.per_layer_model_projection, 2, LINEAR",
    "Gemma 3n, model.language_model.embed_tokens_per_layer, 2, EMBEDDING",
    "Llama, model.embed_tokens, 2, EMBEDDING",
    "GPT-NeoX, gpt_neox.embed_in, 2, EMBEDDING",
    "GPT-2, transformer.wte, 2, EMBEDDING",
    "CLIP, vision_tower.vision_model.embeddings.position_embedding, 2, EMBEDDING",
    "CLIP, vision_tower.vision_model.encoder.layers.0.mlp.fc1, 2, VISION",
    "CLIP, vision_tower.vision_model.embeddings.patch_conv, 4, CONVOLUTION",
    "Qwen2-VL, visual.patch.proj, 5, CONVOLUTION",
    "Mamba, backbone.layers.0.mixer.conv1d, 3, CONVOLUTION",
    "Granite MoE, model.layers.0.block_sparse_moe.input_linear, 3, STACKED",
    "Granite MoE, model.layers.0.block_sparse_moe.output_linear, 3, STACKED",
    "Granite MoE, model.layers.0.block_sparse_moe.router.layer, 2, ROUTER",
    "Qwen2-MoE, model.layers.0.mlp.gate, 2, ROUTER",
    "Qwen2-MoE, model.layers.0.mlp.shared_expert_gate, 2, ROUTER",
    "Switch, encoder.block.1.layer.1.mlp.router.classifier, 2, ROUTER",
    "Llama, model.layers.0.mlp.gate_proj, 2, LINEAR",
    "Llama, model.layers.0.input_layernorm, 1, NORM",
  })
  void kindFollowsFromTheName(String model, String module, int dimensions, Kind kind) {
    assertThat(LinearModules.kind(module + ".weight", dimensions)).as(model).isEqualTo(kind);
  }

  @ParameterizedTest
  @CsvSource({
    "lm_head, lm_head",
    "model.layers.61.shared_head.head, head",
    "score, score",
    "model.layers.0.mlp.gate, gate",
    "model.layers.0.block_sparse_moe.router.layer, router",
    "model.vision_tower.layers.0.mlp.gate, vision_tower",
    "model.embed_vision.embedding_projection, embed_vision",
    "model.layers.0.mlp.gate_proj, ",
    "model.layers.0.self_attn.q_proj, ",
  })
  void guardedNameIsTheWordThatTellsTheKind(String module, String name) {
    if (name == null) {
      assertThat(LinearModules.guardedName(module)).isEmpty();
    } else {
      assertThat(LinearModules.guardedName(module)).contains(name);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "m.self_attn.q_proj, m.self_attn.k_proj, true",
    "m.self_attn.q_proj, m.self_attn.v_proj, true",
    "m.mlp.gate_proj, m.mlp.up_proj, true",
    "m.experts.3.w1, m.experts.3.w3, true",
    "m.self_attn.q_a_proj, m.self_attn.kv_a_proj_with_mqa, true",
    "m.experts.3.w1, m.experts.3.w2, false",
    "m.experts.3.w1, m.experts.4.w3, false",
    "m.mlp.gate_proj, m.mlp.down_proj, false",
    "m.self_attn.q_a_proj, m.self_attn.q_b_proj, false",
    "m.self_attn.q_proj, m.self_attn.o_proj, false",
  })
  void siblingsAreThoseThatLoadersFuse(String module, String other, boolean fused) {
    assertThat(LinearModules.fusedGroup(module)).isPresent();
    assertThat(LinearModules.fusedGroup(module).equals(LinearModules.fusedGroup(other)))
        .isEqualTo(fused);
  }
}
