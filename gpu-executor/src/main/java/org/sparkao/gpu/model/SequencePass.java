package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/** Computes sequences whole and adds the likeliest next token to each. */
final class SequencePass {
  private final ModelOperators operators;
  private final ModelBlocks blocks;
  private final PassMemory memory;
  private final RotaryTable rotation;

  SequencePass(
      ModelOperators operators, ModelBlocks blocks, PassMemory memory, RotaryTable rotation) {
    this.operators = operators;
    this.blocks = blocks;
    this.memory = memory;
    this.rotation = rotation;
  }

  /**
   * Adds a token to each, in passes that the memory has room for.
   *
   * @param caches one a layer, for keys and values: sequence i has place i; none where nobody needs
   *     them
   */
  void extend(List<Continuation> group, List<KvCache> caches) {
    int begin = 0;
    int tokens = 0;
    for (int i = 0; i < group.size(); i++) {
      int length = group.get(i).all().length;
      if (tokens + length > memory.rows()) {
        extend(group.subList(begin, i), begin, caches);
        begin = i;
        tokens = 0;
      }
      tokens += length;
    }
    extend(group.subList(begin, group.size()), begin, caches);
  }

  private void extend(List<Continuation> part, int firstPlace, List<KvCache> caches) {
    List<int[]> sequences = part.stream().map(Continuation::all).toList();
    PackedTokens tokens = PackedTokens.of(sequences, firstPlace);
    blocks.embedding(table -> PrefillPass.embed(tokens, memory, operators, table));
    Pass pass = PrefillPass.begin(tokens, memory, rotation);
    blocks.layers(
        (index, layer) ->
            layer.run(
                pass,
                memory,
                caches.isEmpty() ? Optional.empty() : Optional.of(caches.get(index))));
    int[] last = new int[part.size()];
    for (int i = 0; i < last.length; i++) {
      last[i] = tokens.boundaries()[i + 1] - 1;
    }
    HeadScoring head = new HeadScoring(operators, memory);
    List<HeadScoring.Scores> scores = new ArrayList<>();
    blocks.head(projection -> scores.add(head.score(projection, last, new int[last.length], null)));
    for (int i = 0; i < last.length; i++) {
      part.get(i).add(scores.get(0).greedy()[i]);
    }
  }
}
