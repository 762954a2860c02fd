package org.sparkao.jobs.bench;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.Operation;
import org.sparkao.jobs.bench.RandomModel.Layer;

/**
 * A pass of a model: decoding a token of each sequence at the end of its context, or all tokens of
 * prompts with the logits of each one's last. It launches alone. Closing frees its memory.
 */
final class ModelPass implements AutoCloseable {
  private final ModelOperators operators;
  private final RandomModel model;
  private final Operation operation;
  private final int sequences;
  private final int context;
  private final int rows;
  private final List<Buffer> taken = new ArrayList<>();
  private final List<KvCache> caches = new ArrayList<>();
  private final Inputs inputs;
  private final States states;

  /** The parts of a layer, and what stands around the layers. */
  enum Part {
    QKV,
    HEADS,
    ATTENTION,
    OUTPUT,
    GATE_UP,
    DOWN,
    HEAD
  }

  private record Inputs(
      Buffer ids,
      Buffer positions,
      Buffer lengths,
      Buffer last,
      ModelOperators.RotaryTable turns) {}

  private record States(
      Buffer hidden,
      Buffer qkv,
      Buffer attended,
      Buffer inner,
      Buffer lastHidden,
      Buffer logits,
      ModelOperators.TokenScores scores) {}

  ModelPass(
      ModelOperators operators,
      RandomModel model,
      ModelTrial trial,
      Operation operation,
      int sequences) {
    this.operators = operators;
    this.model = model;
    this.operation = operation;
    this.sequences = sequences;
    this.context = trial.context();
    boolean decodes = operation == Operation.DECODE;
    this.rows = decodes ? sequences : sequences * context;
    try {
      operators.reserve(rows, context);
      if (decodes) {
        for (int i = 0; i < model.layers().size(); i++) {
          caches.add(operators.cache(trial.cache(), ModelTrial.HEADS, sequences, context));
        }
        caches.forEach(this::clear);
      }
      this.inputs = inputs(decodes);
      this.states = states();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** A cache of zeros: undefined bytes may be NaN. */
  private void clear(KvCache cache) {
    zero(cache.keys());
    zero(cache.values());
    cache.scales().ifPresent(scales -> zero(scales.keys()));
    cache.scales().ifPresent(scales -> zero(scales.values()));
  }

  private void zero(Buffer buffer) {
    ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 24);
    for (long at = 0; at < buffer.bytes(); at += zeros.capacity()) {
      zeros.limit((int) Math.min(zeros.capacity(), buffer.bytes() - at));
      operators.device().write(buffer, at, zeros);
    }
  }

  private Inputs inputs(boolean decodes) {
    int half = ModelTrial.HEADS.dimension() / 2;
    ByteBuffer cosines = RandomBuffers.bytes(Float.BYTES * context * half);
    ByteBuffer sines = RandomBuffers.bytes(Float.BYTES * context * half);
    for (int i = 0; i < context * half; i++) {
      double angle = i / half * Math.pow(500_000, -(double) (i % half) / half);
      cosines.putFloat((float) Math.cos(angle));
      sines.putFloat((float) Math.sin(angle));
    }
    return new Inputs(
        ints(rows, i -> i * 7919 % ModelTrial.SIZES.vocabulary()),
        ints(rows, i -> decodes ? context - 1 : i % context),
        ints(sequences + 1, i -> decodes ? context : i * context),
        ints(sequences, i -> (i + 1) * context - 1),
        new ModelOperators.RotaryTable(copy(cosines.flip()), copy(sines.flip()), context));
  }

  private States states() {
    HeadShape heads = ModelTrial.HEADS;
    long each = Short.BYTES * (long) rows;
    boolean decodes = operation == Operation.DECODE;
    Buffer hidden = take(each * ModelTrial.SIZES.hidden());
    return new States(
        hidden,
        take(each * heads.rowElements()),
        take(each * heads.queryElements()),
        take(each * ModelTrial.SIZES.intermediate()),
        decodes ? hidden : take((long) Short.BYTES * sequences * ModelTrial.SIZES.hidden()),
        take((long) Float.BYTES * sequences * ModelTrial.SIZES.vocabulary()),
        new ModelOperators.TokenScores(
            take((long) Float.BYTES * sequences), take((long) Integer.BYTES * sequences)));
  }

  /** Launches all of it. */
  void run() {
    operators.embed(model.embedding(), inputs.ids, rows, states.hidden);
    for (int i = 0; i < model.layers().size(); i++) {
      for (Part part : Part.values()) {
        if (part != Part.HEAD) {
          run(part, i);
        }
      }
    }
    run(Part.HEAD, 0);
  }

  /** Launches a part of layer i. */
  void run(Part part, int i) {
    Layer layer = model.layers().get(i);
    switch (part) {
      case QKV -> layer.qkv().run(operation, rows, states.hidden, states.qkv);
      case HEADS ->
          operators.prepareHeads(
              states.qkv,
              ModelTrial.HEADS,
              new ModelOperators.Places(inputs.positions, Optional.empty(), rows),
              new ModelOperators.HeadSteps(Optional.empty(), inputs.turns, cache(i)));
      case ATTENTION -> attend(i);
      case OUTPUT -> layer.output().run(operation, rows, states.attended, states.hidden);
      case GATE_UP -> layer.gateUp().run(operation, rows, states.hidden, states.inner);
      case DOWN -> layer.down().run(operation, rows, states.inner, states.hidden);
      case HEAD -> head();
    }
  }

  private Optional<KvCache> cache(int i) {
    return caches.isEmpty() ? Optional.empty() : Optional.of(caches.get(i));
  }

  private void attend(int i) {
    if (caches.isEmpty()) {
      operators.attend(
          states.qkv,
          ModelTrial.HEADS,
          new PrefillAttention.Batch(inputs.lengths, sequences, rows, context),
          states.attended);
    } else {
      operators.attend(
          states.qkv,
          ModelTrial.HEADS,
          caches.get(i),
          new DecodeAttention.Batch(inputs.lengths, sequences, context),
          states.attended);
    }
  }

  private void head() {
    int hidden = ModelTrial.SIZES.hidden();
    if (caches.isEmpty()) {
      operators.gather(states.hidden, hidden, inputs.last, sequences, states.lastHidden);
    }
    model.head().run(operation, sequences, states.lastHidden, states.logits);
    operators.score(
        states.logits, sequences, ModelTrial.SIZES.vocabulary(), inputs.ids, states.scores);
  }

  /** The likeliest token of each sequence, which the last run left. */
  int[] greedy() {
    ByteBuffer bytes = RandomBuffers.bytes(Integer.BYTES * sequences);
    operators.device().read(states.scores.greedy(), 0, bytes);
    int[] tokens = new int[sequences];
    bytes.asIntBuffer().get(tokens);
    return tokens;
  }

  private Buffer ints(int count, IntUnaryOperator value) {
    ByteBuffer bytes = RandomBuffers.bytes(Integer.BYTES * count);
    for (int i = 0; i < count; i++) {
      bytes.putInt(value.applyAsInt(i));
    }
    return copy(bytes.flip());
  }

  private Buffer copy(ByteBuffer bytes) {
    Buffer buffer = take(bytes.remaining());
    operators.device().write(buffer, 0, bytes);
    return buffer;
  }

  private Buffer take(long bytes) {
    Buffer buffer = operators.device().allocate(bytes);
    taken.add(buffer);
    return buffer;
  }

  @Override
  public void close() {
    caches.forEach(operators::release);
    taken.forEach(Buffer::close);
  }
}
