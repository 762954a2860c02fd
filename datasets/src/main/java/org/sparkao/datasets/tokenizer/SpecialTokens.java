package org.sparkao.datasets.tokenizer;

import java.util.OptionalInt;
import java.util.Set;

/**
 * The ids with a meaning of their own. What begins and ends a text, pads it or stands for the
 * unknown comes from {@code tokenizer_config.json}, else {@code special_tokens_map.json}, else (if
 * neither is there) the tokenizer or the ids of {@code generation_config.json} and {@code
 * config.json}. A null in the first is an answer: the model has no such token.
 *
 * @param bos begins a text; many models have none
 * @param eos ends a text
 * @param pad pads a batch
 * @param unknown stands for what has no token
 * @param endOfGeneration every id that ends a generation: {@code eos_token_id} of {@code
 *     generation_config.json}, which may list several, and {@code eos}
 * @param all every id that {@link Tokenizer#decode} leaves out
 */
public record SpecialTokens(
    OptionalInt bos,
    OptionalInt eos,
    OptionalInt pad,
    OptionalInt unknown,
    Set<Integer> endOfGeneration,
    Set<Integer> all) {
  /** Copies the sets. */
  public SpecialTokens {
    endOfGeneration = Set.copyOf(endOfGeneration);
    all = Set.copyOf(all);
  }
}
