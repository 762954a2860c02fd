package org.sparkao.gpu.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.ModelOperators.Places;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/**
 * Continues prompts in a fixed number of places: the tokens of a prompt fill a place of the caches,
 * then every step adds a token to each. A place whose sequence is finished is idle (negative
 * position, length 0) until others wait no longer: prompts are brought in when a sixteenth of the
 * places is free, because each time costs a pass.
 */
final class Generation implements AutoCloseable {
  private static final int FREE_PART = 16;

  private final ModelOperators operators;
  private final ModelBlocks blocks;
  private final PassMemory memory;
  private final RotaryTable rotation;
  private final Steps steps;
  private final DecodeStep step;
  private final Continuation[] places;
  private final SequencePass pass;

  /**
   * What a step computes with.
   *
   * @param products the family that multiplies
   * @param caches one a layer
   * @param tokens how tokens are chosen
   */
  record Steps(Operation products, List<KvCache> caches, NextTokens tokens) {}

  Generation(
      ModelOperators operators,
      ModelBlocks blocks,
      PassMemory memory,
      RotaryTable rotation,
      Steps steps) {
    this.operators = operators;
    this.blocks = blocks;
    this.memory = memory;
    this.rotation = rotation;
    this.steps = steps;
    this.pass = new SequencePass(operators, blocks, memory, rotation, steps.tokens);
    this.places = new Continuation[steps.caches.get(0).sequences()];
    this.step =
        blocks.placement() == LanguageModel.Placement.RESIDENT
            ? operators.decodeStep(this::launch)
            : DecodeStep.of(this::launch);
  }

  /** Continues all to their ends. */
  void run(List<Continuation> all) {
    Deque<Continuation> waiting = new ArrayDeque<>(all);
    while (!waiting.isEmpty() || busy() > 0) {
      int free = places.length - busy();
      if (!waiting.isEmpty() && free >= Math.max(1, places.length / FREE_PART)) {
        fill(waiting);
      }
      if (busy() > 0) {
        step();
      }
    }
  }

  private int busy() {
    return (int) Arrays.stream(places).filter(Objects::nonNull).count();
  }

  /** Brings prompts into free places, in passes that the memory has room for. */
  private void fill(Deque<Continuation> waiting) {
    List<Integer> some = new ArrayList<>();
    int tokens = 0;
    for (int place = 0; place < places.length && !waiting.isEmpty(); place++) {
      if (places[place] != null) {
        continue;
      }
      int length = waiting.peek().length();
      if (tokens + length > memory.rows()) {
        prefill(some);
        some.clear();
        tokens = 0;
      }
      places[place] = waiting.pop();
      some.add(place);
      tokens += length;
    }
    prefill(some);
  }

  private void prefill(List<Integer> some) {
    pass.extend(
        some.stream().map(place -> places[place]).toList(),
        some.stream().mapToInt(Integer::intValue).toArray(),
        steps.caches);
    some.forEach(this::free);
  }

  private void step() {
    int rows = places.length;
    int[] ids = new int[rows];
    int[] positions = new int[rows];
    int[] lengths = new int[rows];
    for (int i = 0; i < rows; i++) {
      ids[i] = places[i] == null ? 0 : places[i].last();
      positions[i] = places[i] == null ? -1 : places[i].position();
      lengths[i] = positions[i] + 1;
    }
    DeviceInts.write(memory.ids(), ids);
    DeviceInts.write(memory.positions(), positions);
    DeviceInts.write(memory.boundaries(), lengths);
    steps.tokens.ask(Arrays.asList(places));
    step.run();
    int[] next = steps.tokens.read(rows);
    for (int i = 0; i < rows; i++) {
      if (places[i] != null) {
        places[i].add(next[i]);
        free(i);
      }
    }
  }

  /** A place whose sequence has its last token is free. */
  private void free(int place) {
    if (places[place].finished()) {
      places[place] = null;
    }
  }

  /** The step: reads ids, positions, lengths and draws, and leaves the next tokens. */
  private void launch() {
    int rows = places.length;
    blocks.embedding(table -> operators.embed(table, memory.ids(), rows, memory.hidden()));
    Pass pass =
        new Pass.Decode(
            steps.products,
            new Places(memory.positions(), Optional.empty(), rows),
            rotation,
            new DecodeAttention.Batch(memory.boundaries(), rows, steps.caches.get(0).capacity()));
    blocks.layers((index, layer) -> layer.run(pass, memory, Optional.of(steps.caches.get(index))));
    blocks.head(head -> steps.tokens.launch(head, steps.products, rows));
  }

  @Override
  public void close() {
    step.close();
  }
}
