package org.sparkao.gpu.model;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.ModelOperators.Places;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/**
 * Continues prompts of one group: their tokens fill the caches, then every step adds a token to
 * each. A sequence that is finished keeps its row, with a negative position and length 0.
 */
final class Generation implements AutoCloseable {
  private final ModelOperators operators;
  private final ModelBlocks blocks;
  private final PassMemory memory;
  private final RotaryTable rotation;
  private final List<KvCache> caches;
  private final int rows;
  private final DecodeStep step;

  /** {@code caches}: one a layer, with a place for every row. */
  Generation(
      ModelOperators operators,
      ModelBlocks blocks,
      PassMemory memory,
      RotaryTable rotation,
      List<KvCache> caches) {
    this.operators = operators;
    this.blocks = blocks;
    this.memory = memory;
    this.rotation = rotation;
    this.caches = caches;
    this.rows = caches.get(0).sequences();
    this.step =
        blocks.placement() == LanguageModel.Placement.RESIDENT
            ? operators.decodeStep(this::launch)
            : DecodeStep.of(this::launch);
  }

  /** Continues all to their ends; at most as many as the caches have places. */
  void run(List<Continuation> group) {
    new SequencePass(operators, blocks, memory, rotation).extend(group, caches);
    int[] ids = new int[rows];
    int[] positions = new int[rows];
    int[] lengths = new int[rows];
    while (group.stream().anyMatch(continuation -> !continuation.finished())) {
      for (int i = 0; i < rows; i++) {
        boolean idle = i >= group.size() || group.get(i).finished();
        ids[i] = idle ? 0 : group.get(i).last();
        positions[i] = idle ? -1 : group.get(i).position();
        lengths[i] = positions[i] + 1;
      }
      DeviceInts.write(memory.ids(), ids);
      DeviceInts.write(memory.positions(), positions);
      DeviceInts.write(memory.boundaries(), lengths);
      step.run();
      int[] next = DeviceInts.read(memory.scores().greedy(), rows);
      for (int i = 0; i < group.size(); i++) {
        if (!group.get(i).finished()) {
          group.get(i).add(next[i]);
        }
      }
    }
  }

  /** The step: reads ids, positions and lengths, and leaves the likeliest tokens. */
  private void launch() {
    blocks.embedding(table -> operators.embed(table, memory.ids(), rows, memory.hidden()));
    Pass pass =
        new Pass.Decode(
            new Places(memory.positions(), Optional.empty(), rows),
            rotation,
            new DecodeAttention.Batch(memory.boundaries(), rows, caches.get(0).capacity()));
    blocks.layers((index, layer) -> layer.run(pass, memory, Optional.of(caches.get(index))));
    blocks.head(
        head -> {
          head.run(Operation.DECODE, rows, memory.hidden(), memory.logits());
          operators.score(
              memory.logits(), rows, memory.model().vocabulary(), memory.ids(), memory.scores());
        });
  }

  @Override
  public void close() {
    step.close();
  }
}
