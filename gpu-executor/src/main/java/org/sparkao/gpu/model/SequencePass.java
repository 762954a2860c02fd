package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/** Computes sequences whole and adds the next token to each. */
final class SequencePass {
  private final ModelOperators operators;
  private final ModelBlocks blocks;
  private final PassMemory memory;
  private final RotaryTable rotation;
  private final NextTokens tokens;

  /** {@code tokens}: how the next ones are chosen. */
  SequencePass(
      ModelOperators operators,
      ModelBlocks blocks,
      PassMemory memory,
      RotaryTable rotation,
      NextTokens tokens) {
    this.operators = operators;
    this.blocks = blocks;
    this.memory = memory;
    this.rotation = rotation;
    this.tokens = tokens;
  }

  /** Adds tokens until all are finished; every token takes a pass over all before it. */
  void finish(List<Continuation> all) {
    List<Continuation> open = all;
    while (!open.isEmpty()) {
      extend(open);
      open = open.stream().filter(one -> !one.finished()).toList();
    }
  }

  /** Adds a token to each, in passes that the memory has room for. */
  private void extend(List<Continuation> all) {
    List<Continuation> part = new ArrayList<>();
    int length = 0;
    for (Continuation one : all) {
      if (length + one.length() > memory.rows()) {
        extend(part, new int[part.size()], List.of());
        part.clear();
        length = 0;
      }
      part.add(one);
      length += one.length();
    }
    extend(part, new int[part.size()], List.of());
  }

  /**
   * Adds a token to each, in one pass.
   *
   * @param places of the sequences in the caches
   * @param caches one a layer, for keys and values; none where nobody needs them
   */
  void extend(List<Continuation> part, int[] places, List<KvCache> caches) {
    PackedTokens packed = PackedTokens.of(part.stream().map(Continuation::all).toList(), places);
    blocks.embedding(table -> PrefillPass.embed(packed, memory, operators, table));
    Pass pass = PrefillPass.begin(packed, memory, rotation);
    blocks.layers(
        (index, layer) ->
            layer.run(
                pass,
                memory,
                caches.isEmpty() ? Optional.empty() : Optional.of(caches.get(index))));
    int[] last = new int[part.size()];
    for (int i = 0; i < last.length; i++) {
      last[i] = packed.boundaries()[i + 1] - 1;
    }
    tokens.ask(part);
    blocks.head(head -> tokens.launch(head, last));
    int[] next = tokens.read(last.length);
    for (int i = 0; i < last.length; i++) {
      part.get(i).add(next[i]);
    }
  }
}
