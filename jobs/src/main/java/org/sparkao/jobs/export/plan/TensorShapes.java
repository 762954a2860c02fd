package org.sparkao.jobs.export.plan;

import java.util.ArrayList;
import java.util.List;

/** Shapes [N, K] of Llama's tensors by their names in GGUF files. */
final class TensorShapes {
  private static final List<String> OF_LAYER =
      List.of(
          "attn_norm",
          "attn_q",
          "attn_k",
          "attn_v",
          "attn_output",
          "ffn_norm",
          "ffn_gate",
          "ffn_up",
          "ffn_down");

  private TensorShapes() {}

  /** The shape of a tensor. */
  static List<Long> of(String name, LlamaSizes sizes) {
    long hidden = sizes.hidden();
    long inner = sizes.inner();
    long queries = (long) sizes.heads() * sizes.headSize();
    long keys = (long) sizes.keyHeads() * sizes.headSize();
    return switch (kind(name)) {
      case "output", "token_embd" -> List.of((long) sizes.vocabulary(), hidden);
      case "attn_q" -> List.of(queries, hidden);
      case "attn_k", "attn_v" -> List.of(keys, hidden);
      case "attn_output" -> List.of(hidden, queries);
      case "ffn_gate", "ffn_up" -> List.of(inner, hidden);
      case "ffn_down" -> List.of(hidden, inner);
      default -> List.of(hidden);
    };
  }

  /**
   * Heads of a projection whose rows llama.cpp has in another order: its rotation turns neighbours,
   * that of transformers a number and the one half a head further. 0 for all other tensors.
   */
  static int interleavedHeads(String name, LlamaSizes sizes) {
    return switch (kind(name)) {
      case "attn_q" -> sizes.heads();
      case "attn_k" -> sizes.keyHeads();
      default -> 0;
    };
  }

  /** Every tensor that a model needs. */
  static List<String> all(LlamaSizes sizes) {
    List<String> names = new ArrayList<>(List.of("token_embd.weight", "output_norm.weight"));
    if (!sizes.tied()) {
      names.add("output.weight");
    }
    for (int layer = 0; layer < sizes.layers(); layer++) {
      for (String kind : OF_LAYER) {
        names.add("blk." + layer + "." + kind + ".weight");
      }
    }
    return names;
  }

  private static String kind(String name) {
    return name.replaceFirst("^blk\\.\\d+\\.", "").replaceFirst("\\.weight$", "");
  }
}
