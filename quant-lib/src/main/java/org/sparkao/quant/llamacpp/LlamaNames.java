package org.sparkao.quant.llamacpp;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of Llama's tensors in GGUF files and in checkpoints of transformers.
 *
 * <p>Source: llama.cpp's {@code gguf-py/gguf/tensor_mapping.py}.
 */
public final class LlamaNames {
  private static final Pattern OF_LAYER = Pattern.compile("model\\.layers\\.(\\d{1,6})\\.(.+)");
  private static final Pattern IN_FILE = Pattern.compile("blk\\.(\\d{1,6})\\.(.+)");
  private static final Map<String, String> OUTER =
      Map.of(
          "lm_head.weight", "output.weight",
          "model.embed_tokens.weight", "token_embd.weight",
          "model.norm.weight", "output_norm.weight");
  private static final Map<String, String> INNER =
      Map.of(
          "input_layernorm.weight", "attn_norm.weight",
          "post_attention_layernorm.weight", "ffn_norm.weight",
          "self_attn.q_proj.weight", "attn_q.weight",
          "self_attn.k_proj.weight", "attn_k.weight",
          "self_attn.v_proj.weight", "attn_v.weight",
          "self_attn.o_proj.weight", "attn_output.weight",
          "mlp.gate_proj.weight", "ffn_gate.weight",
          "mlp.up_proj.weight", "ffn_up.weight",
          "mlp.down_proj.weight", "ffn_down.weight");

  /**
   * A name in a GGUF file.
   *
   * @param text the whole name
   * @param layer of the tensor; -1 for those of none
   */
  public record Name(String text, int layer) {}

  private LlamaNames() {}

  /** The name of a tensor of a checkpoint; empty when it is none of Llama's. */
  public static Optional<Name> of(String name) {
    Matcher matcher = OF_LAYER.matcher(name);
    if (matcher.matches()) {
      int layer = Integer.parseInt(matcher.group(1));
      return Optional.ofNullable(INNER.get(matcher.group(2)))
          .map(inner -> new Name("blk." + layer + "." + inner, layer));
    }
    return Optional.ofNullable(OUTER.get(name)).map(outer -> new Name(outer, -1));
  }

  /** The name of a tensor of a GGUF file in a checkpoint; empty when it is none of Llama's. */
  static Optional<String> inCheckpoint(String name) {
    Matcher matcher = IN_FILE.matcher(name);
    return matcher.matches()
        ? key(INNER, matcher.group(2))
            .map(inner -> "model.layers." + Integer.parseInt(matcher.group(1)) + "." + inner)
        : key(OUTER, name);
  }

  /** Names in a GGUF file of the tensors that every layer has. */
  static Collection<String> ofLayer() {
    return INNER.values();
  }

  private static Optional<String> key(Map<String, String> names, String value) {
    return names.entrySet().stream()
        .filter(entry -> entry.getValue().equals(value))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** Whether a tensor holds what every loader computes itself. */
  public static boolean isComputed(String name) {
    return name.endsWith(".rotary_emb.inv_freq");
  }
}
