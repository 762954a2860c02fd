package org.sparkao.gpu.model;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.layer.TokenSampler;

/**
 * All that a forward pass needs of a device. Hidden states are [rows, hidden], heads [rows, {@link
 * HeadShape#rowElements()}], the last axis contiguous, in {@link #arithmetic()}. Every row's bits
 * are the same whatever rows stand beside it. Work goes to the calling thread's stream; for one
 * thread at a time. {@link #close} gives back the working memory, not what was made of weights.
 */
public interface ModelOperators extends AutoCloseable {
  /** Where everything lies. */
  Device device();

  /** What hidden states are stored as. */
  Arithmetic arithmetic();

  /**
   * Which operators these are, with a number that changes whenever the same weights and tokens give
   * other bits: {@code vector operators 1}. Stored results are found by it.
   */
  String version();

  /**
   * Takes working memory, once, before the first pass.
   *
   * @param rows most tokens of a pass
   * @param longest most tokens of a sequence
   */
  void reserve(int rows, int longest);

  /**
   * Puts linear layers that read the same x on the device, stacked along N: q, k and v; gate and
   * up; or one.
   *
   * @throws IllegalArgumentException naming tensor, value and way out, when a form is not run here
   */
  Projection project(ProjectionSpec spec, List<LinearWeight> weights);

  /** Puts the feed-forward half of a mixture of experts on the device. */
  Projection mixture(Mixture mixture);

  /**
   * Puts the embedding table [vocabulary, hidden] on the device; the caller closes it. {@link
   * #tiedHead} shares it.
   */
  EmbeddingTable embedding(StoredTensor table);

  /** The output head that shares the table of a tied model. */
  Projection tiedHead(ProjectionSpec spec, EmbeddingTable table);

  /** hidden[i] = table[ids[i]]; ids are int32. */
  void embed(EmbeddingTable table, Buffer ids, int rows, Buffer hidden);

  /** y[i] = x[indices[i]], rows of {@code columns} numbers; indices are int32. */
  void gather(Buffer x, int columns, Buffer indices, int rows, Buffer y);

  /**
   * Norms of q and k heads, rotation, and append to the cache, each where given, in place.
   *
   * @see org.sparkao.gpu.layer.HeadPreparation
   */
  void prepareHeads(Buffer qkv, HeadShape shape, Places places, HeadSteps steps);

  /**
   * Refuses heads that attention here does not take, before a weight is read.
   *
   * @throws org.sparkao.quant.QuantException with a way out
   */
  default void require(HeadShape shape) {
    // Plain code takes all.
  }

  /** Causal attention of whole sequences; out is [tokens, {@link HeadShape#queryElements()}]. */
  void attend(Buffer qkv, HeadShape shape, PrefillAttention.Batch batch, Buffer out);

  /** Attention of one token a sequence over the cache. */
  void attend(Buffer qkv, HeadShape shape, KvCache cache, DecodeAttention.Batch batch, Buffer out);

  /**
   * Whether there are caches; without them a sequence is continued by computing it whole for every
   * token.
   */
  default boolean keepsCaches() {
    return true;
  }

  /** Takes a cache; the caller closes its buffers through {@link #release}. */
  KvCache cache(KvCache.Type type, HeadShape shape, int sequences, int capacity);

  /** Gives a cache back. */
  void release(KvCache cache);

  /**
   * Log-probabilities of targets.
   *
   * @param logits [rows, vocabulary] fp32
   * @param targets [rows] int32
   */
  void score(Buffer logits, int rows, int vocabulary, Buffer targets, TokenScores scores);

  /**
   * Chooses the next token of each row; the bits of the logits decide, on every device alike.
   *
   * @param logits [rows, vocabulary] fp32; those of forbidden tokens become minus infinity
   * @param next [rows] int32; -1 where the logits allow none
   */
  void sample(Buffer logits, int rows, int vocabulary, TokenSampler.Draw draw, Buffer next);

  /** Memory of the device that a step takes for each place of a cache beside the cache itself. */
  default long stepBytes(KvCache.Type type, HeadShape shape, int capacity) {
    return 0;
  }

  /**
   * Keeps the launches of a step of decoding.
   *
   * @param launches launches alone: memory is taken, written and read outside
   */
  default DecodeStep decodeStep(Runnable launches) {
    return DecodeStep.of(launches);
  }

  /** Memory of the device that a weight takes when it is loaded, for planning. */
  default long weightBytes(LinearWeight weight) {
    long numbers = (long) weight.n() * weight.k() + (weight.bias().isPresent() ? weight.n() : 0);
    return arithmetic().bytes() * numbers;
  }

  /** An embedding table on the device. */
  interface EmbeddingTable extends AutoCloseable {
    /** Memory of the device that it takes. */
    long bytes();

    @Override
    void close();
  }

  /**
   * Where rows belong.
   *
   * @param positions [rows] int32
   * @param sequences [rows] int32: place in the cache; absent: row i belongs to sequence i
   */
  record Places(Buffer positions, Optional<Buffer> sequences, int rows) {}

  /**
   * What is done to heads, in this order.
   *
   * @param norms of q and k heads (Qwen3)
   * @param rotation of q and k, in the half-split order of transformers
   * @param cache where k and v go
   */
  record HeadSteps(Optional<HeadNorms> norms, RotaryTable rotation, Optional<KvCache> cache) {}

  /** Weights [dimension] of the norms of q and k heads, in {@link #arithmetic()}. */
  record HeadNorms(Buffer query, Buffer key, float epsilon) {}

  /**
   * Angles as tables [positions, dimension / 2] of fp32. Elements i and i + dimension / 2 of a head
   * turn by angle i.
   */
  record RotaryTable(Buffer cosines, Buffer sines, int positions) {}

  /**
   * Where scores go, one a row.
   *
   * @param logProbabilities fp32: natural logarithm
   * @param greedy int32: the first token with the largest logit
   */
  record TokenScores(Buffer logProbabilities, Buffer greedy) {}

  @Override
  void close();
}
