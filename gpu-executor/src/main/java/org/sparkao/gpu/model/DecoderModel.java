package org.sparkao.gpu.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;
import org.sparkao.gpu.layer.KvCache;

/** A model whose parts are resident or streamed: the computation is the same. */
final class DecoderModel implements LanguageModel {
  private final ModelOperators operators;
  private final ModelConfig config;
  private final ModelSettings settings;
  private final PassMemory memory;
  private final RotaryTables rotation;
  private final ModelBlocks blocks;
  private final SequenceChecks checks;

  /** Closes memory, rotation and blocks with itself; the operators stay the caller's. */
  DecoderModel(
      ModelOperators operators,
      ModelConfig config,
      ModelSettings settings,
      PassMemory memory,
      RotaryTables rotation,
      ModelBlocks blocks) {
    this.operators = operators;
    this.config = config;
    this.settings = settings;
    this.memory = memory;
    this.rotation = rotation;
    this.blocks = blocks;
    this.checks = new SequenceChecks(config, settings);
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public String numerics() {
    return operators.version()
        + "; "
        + operators.arithmetic()
        + " between them; products "
        + blocks.numerics()
        + "; KV cache "
        + settings.cache();
  }

  @Override
  public Placement placement() {
    return blocks.placement();
  }

  @Override
  public int batchTokens() {
    return settings.batchTokens();
  }

  @Override
  public List<SequenceScore> score(List<ScoredSequence> batch) {
    return score(batch, null);
  }

  @Override
  public List<SequenceScore> score(List<ScoredSequence> batch, LogitsSink sink) {
    batch.forEach(checks::checkScored);
    List<ScoringBatch> batches = ScoringBatch.cut(batch, settings.batchTokens());
    if (placement() == Placement.RESIDENT) {
      checks.checkOnePass(batches.size(), batch);
    }
    return new Scoring(operators, blocks, memory, rotation.table()).score(batches, sink);
  }

  @Override
  public List<int[]> generate(List<int[]> prompts, GenerationLimits limits) {
    prompts.forEach(prompt -> checks.checkPrompt(prompt, limits.mostTokens()));
    List<Continuation> all = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      all.add(new Continuation(i, prompts.get(i), limits));
    }
    if (all.isEmpty() || limits.mostTokens() == 0) {
      return all.stream().map(Continuation::tokens).toList();
    }
    if (operators.keepsCaches()) {
      withCaches(all, prompts, limits);
    } else {
      recomputed(all, prompts, limits);
    }
    return all.stream().map(Continuation::tokens).toList();
  }

  /** Every token takes a pass over all before it. */
  private void recomputed(List<Continuation> all, List<int[]> prompts, GenerationLimits limits) {
    prompts.forEach(prompt -> checks.checkRead(prompt.length + limits.mostTokens() - 1));
    SequencePass pass = new SequencePass(operators, blocks, memory, rotation.table());
    List<Continuation> open = all;
    while (!open.isEmpty()) {
      pass.extend(open, List.of());
      open = open.stream().filter(continuation -> !continuation.finished()).toList();
    }
  }

  private void withCaches(List<Continuation> all, List<int[]> prompts, GenerationLimits limits) {
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    int capacity = longest + limits.mostTokens();
    int rows =
        IntStream.of(prompts.size(), settings.sequences(), memory.headRows()).min().getAsInt();
    Deque<AutoCloseable> taken = new ArrayDeque<>();
    try {
      List<KvCache> caches = new ArrayList<>();
      for (int i = 0; i < config.sizes().layers(); i++) {
        KvCache cache = operators.cache(settings.cache(), config.heads(), rows, capacity);
        taken.push(() -> operators.release(cache));
        caches.add(cache);
      }
      Generation generation = new Generation(operators, blocks, memory, rotation.table(), caches);
      taken.push(generation);
      for (int begin = 0; begin < all.size(); begin += rows) {
        generation.run(all.subList(begin, Math.min(begin + rows, all.size())));
      }
    } finally {
      Closing.all(taken);
    }
  }

  @Override
  public void close() {
    Closing.all(new ArrayDeque<>(List.of(blocks, rotation, memory)));
  }
}
