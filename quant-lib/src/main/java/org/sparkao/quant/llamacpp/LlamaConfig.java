package org.sparkao.quant.llamacpp;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.sparkao.quant.gguf.GgufType;

/**
 * The {@code config.json} of a Llama by its metadata.
 *
 * <p>Source: what llama.cpp's {@code convert_hf_to_gguf.py} writes, the other way round.
 *
 * @param layers number of blocks
 * @param hidden size of a token between blocks
 * @param heads of queries
 * @param keyHeads of keys and values
 * @param headSize numbers of a head
 * @param vocabulary tokens
 * @param tied whether the embedding is the output too
 * @param node the whole file
 */
record LlamaConfig(
    int layers,
    int hidden,
    int heads,
    int keyHeads,
    int headSize,
    int vocabulary,
    boolean tied,
    ObjectNode node) {
  private static final String ARCHITECTURE = "llama";
  private static final double ROPE_BASE = 10000;

  /**
   * Reads the metadata.
   *
   * @param stretch divisors of the rotation's frequencies, {@code rope_freqs.weight}
   * @param embedding type of the embedding
   * @throws org.sparkao.quant.QuantException for another architecture and for what is missing
   */
  static LlamaConfig of(
      Metadata metadata, Optional<float[]> stretch, GgufType embedding, boolean tied) {
    requireLlama(metadata);
    int hidden = metadata.size("llama.embedding_length");
    int heads = metadata.size("llama.attention.head_count");
    int keyHeads =
        metadata.whole("llama.attention.head_count_kv").isPresent()
            ? metadata.size("llama.attention.head_count_kv")
            : heads;
    int headSize =
        metadata.whole("llama.attention.key_length").isPresent()
            ? metadata.size("llama.attention.key_length")
            : hidden / heads;
    int tokens = metadata.list("tokenizer.ggml.tokens", String.class).size();
    int vocabulary =
        metadata.whole("llama.vocab_size").isPresent() ? metadata.size("llama.vocab_size") : tokens;
    ObjectNode node = new ObjectMapper().createObjectNode();
    node.putArray("architectures").add("LlamaForCausalLM");
    node.put("attention_bias", false);
    node.put("attention_dropout", 0.0);
    id(metadata, "bos", node);
    node.put("dtype", dtype(embedding));
    id(metadata, "eos", node);
    node.put("head_dim", headSize);
    node.put("hidden_act", "silu");
    node.put("hidden_size", hidden);
    node.put("intermediate_size", metadata.size("llama.feed_forward_length"));
    node.put("max_position_embeddings", metadata.size("llama.context_length"));
    node.put("mlp_bias", false);
    node.put("model_type", "llama");
    node.put("num_attention_heads", heads);
    node.put("num_hidden_layers", metadata.size("llama.block_count"));
    node.put("num_key_value_heads", keyHeads);
    node.put(
        "rms_norm_eps",
        metadata
            .number("llama.attention.layer_norm_rms_epsilon")
            .orElseThrow(
                () -> metadata.refused("llama.attention.layer_norm_rms_epsilon is missing"))
            .floatValue());
    double base = metadata.number("llama.rope.freq_base").orElse(ROPE_BASE);
    RopeStretch.describe(metadata, base, headSize, stretch, node);
    node.put("tie_word_embeddings", tied);
    node.put("vocab_size", vocabulary);
    return new LlamaConfig(
        metadata.size("llama.block_count"),
        hidden,
        heads,
        keyHeads,
        headSize,
        vocabulary,
        tied,
        node);
  }

  private static void requireLlama(Metadata metadata) {
    String architecture = metadata.text("general.architecture").orElse("none");
    if (!architecture.equals(ARCHITECTURE)) {
      throw metadata.refused("general.architecture is " + architecture + "; only llama is read");
    }
    if (metadata.whole("llama.expert_count").orElse(0L) > 0) {
      throw metadata.refused("has experts (llama.expert_count); only dense Llamas are read");
    }
    String scaling = metadata.text("llama.rope.scaling.type").orElse("none");
    if (!scaling.equals("none")) {
      throw metadata.refused(
          "llama.rope.scaling.type is " + scaling + ", which is not read; only Llama 3's is");
    }
  }

  private static void id(Metadata metadata, String kind, ObjectNode node) {
    metadata
        .whole("tokenizer.ggml." + kind + "_token_id")
        .ifPresent(id -> node.put(kind + "_token_id", id));
  }

  /** Blocks are decoded to fp32. */
  private static String dtype(GgufType embedding) {
    return switch (embedding) {
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      default -> "float32";
    };
  }

  /** Heads of a projection whose rows llama.cpp has in another order; 0 for other tensors. */
  int interleavedHeads(String name) {
    return name.endsWith(".attn_q.weight") ? heads : name.endsWith(".attn_k.weight") ? keyHeads : 0;
  }
}
