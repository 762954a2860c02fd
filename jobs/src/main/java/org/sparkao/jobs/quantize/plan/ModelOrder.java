package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Names of tensors in the order in which models define their modules, which is that of PyTorch's
 * {@code state_dict}. A safetensors file has lost it: what the list below does not know keeps the
 * order of the file behind what it knows.
 */
final class ModelOrder {
  /** Siblings, as transformers' Llama and diffusers' transformers define them. */
  private static final List<String> KNOWN =
      List.of(
          "weight",
          "bias",
          "model",
          "lm_head",
          "embed_tokens",
          "pos_embed",
          "emb",
          "timestep_embedder",
          "class_embedder",
          "linear_1",
          "linear_2",
          "linear",
          "layers",
          "transformer_blocks",
          "norm",
          "norm1",
          "attn1",
          "norm2",
          "attn2",
          "norm3",
          "ff",
          "self_attn",
          "mlp",
          "input_layernorm",
          "post_attention_layernorm",
          "q_proj",
          "k_proj",
          "v_proj",
          "o_proj",
          "q_norm",
          "k_norm",
          "gate_proj",
          "up_proj",
          "down_proj",
          "to_q",
          "to_k",
          "to_v",
          "to_out",
          "proj_out_1",
          "proj_out_2");

  private final Map<String, ModelOrder> children = new LinkedHashMap<>();

  private ModelOrder() {}

  /** The same names, sorted. */
  static List<String> sorted(List<String> names) {
    ModelOrder root = new ModelOrder();
    for (String name : names) {
      ModelOrder at = root;
      for (String part : name.split("\\.")) {
        at = at.children.computeIfAbsent(part, p -> new ModelOrder());
      }
    }
    List<String> sorted = new ArrayList<>(names.size());
    root.collect("", sorted);
    return sorted;
  }

  private void collect(String name, List<String> sorted) {
    if (children.isEmpty()) {
      sorted.add(name);
      return;
    }
    children.entrySet().stream()
        .sorted(Comparator.comparing(child -> rank(child.getKey())))
        .forEach(
            child ->
                child
                    .getValue()
                    .collect(
                        name.isEmpty() ? child.getKey() : name + "." + child.getKey(), sorted));
  }

  private static int rank(String part) {
    int known = KNOWN.indexOf(part);
    if (known >= 0) {
      return known - KNOWN.size();
    }
    return part.matches("\\d{1,9}") ? Integer.parseInt(part) : Integer.MAX_VALUE;
  }
}
