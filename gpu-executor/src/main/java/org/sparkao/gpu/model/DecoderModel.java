package org.sparkao.gpu.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
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

  /**
   * Closes memory, rotation and blocks with itself; the operators stay the caller's.
   *
   * @param settings their memory is what is left beside all these
   */
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
        + settings.cache()
        + (settings.steps() == Operation.PREFILL ? "; steps by products of prefill" : "");
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
  public int continuedAtATime(int tokens) {
    long places = Math.min(settings.sequences(), memory.rows());
    return (int) Math.min(places, freeBytes() / placeBytes(tokens));
  }

  /** Of one sequence: keys and values of all layers, and what a step takes. */
  private long placeBytes(int tokens) {
    return config.sizes().layers() * KvCache.bytes(settings.cache(), config.heads(), 1, tokens)
        + operators.stepBytes(settings.cache(), config.heads(), tokens);
  }

  private long freeBytes() {
    return Math.min(settings.memoryBytes(), operators.device().budget().free());
  }

  @Override
  public List<int[]> generate(List<int[]> prompts, GenerationLimits limits, Sampling sampling) {
    prompts.forEach(prompt -> checks.checkPrompt(prompt, limits.mostTokens()));
    List<Continuation> all = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      all.add(new Continuation(i, prompts.get(i), limits));
    }
    if (all.isEmpty() || limits.mostTokens() == 0) {
      return all.stream().map(Continuation::tokens).toList();
    }
    Deque<AutoCloseable> taken = new ArrayDeque<>();
    try {
      NextTokens tokens = new NextTokens(operators, memory, sampling, forbidden(limits, taken));
      if (operators.keepsCaches()) {
        withCaches(all, prompts, limits, tokens, taken);
      } else {
        prompts.forEach(prompt -> checks.checkRead(prompt.length + limits.mostTokens() - 1));
        new SequencePass(operators, blocks, memory, rotation.table(), tokens).finish(all);
      }
    } finally {
      Closing.all(taken);
    }
    return all.stream().map(Continuation::tokens).toList();
  }

  /** The tokens that continuations too short may not take. */
  private Optional<Buffer> forbidden(GenerationLimits limits, Deque<AutoCloseable> taken) {
    if (limits.leastTokens() == 0 || limits.endTokens().length == 0) {
      return Optional.empty();
    }
    Buffer ends = DeviceInts.allocate(operators.device(), limits.endTokens().length);
    taken.push(ends);
    DeviceInts.write(ends, limits.endTokens());
    return Optional.of(ends);
  }

  private void withCaches(
      List<Continuation> all,
      List<int[]> prompts,
      GenerationLimits limits,
      NextTokens tokens,
      Deque<AutoCloseable> taken) {
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    int capacity = longest + limits.mostTokens();
    int rows = Math.min(prompts.size(), continuedAtATime(capacity));
    if (rows == 0) {
      throw ModelErrors.cacheMemory(capacity, placeBytes(capacity), freeBytes());
    }
    Generation generation =
        new Generation(
            operators,
            blocks,
            memory,
            rotation.table(),
            new Generation.Steps(settings.steps(), caches(rows, capacity, taken), tokens));
    taken.push(generation);
    generation.run(all);
  }

  private List<KvCache> caches(int rows, int capacity, Deque<AutoCloseable> taken) {
    List<KvCache> caches = new ArrayList<>();
    for (int i = 0; i < config.sizes().layers(); i++) {
      KvCache cache = operators.cache(settings.cache(), config.heads(), rows, capacity);
      taken.push(() -> operators.release(cache));
      caches.add(cache);
    }
    return caches;
  }

  @Override
  public void close() {
    Closing.all(new ArrayDeque<>(List.of(blocks, rotation, memory)));
  }
}
