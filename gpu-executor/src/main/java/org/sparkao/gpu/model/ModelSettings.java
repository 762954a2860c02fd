package org.sparkao.gpu.model;

import java.util.Objects;
import org.sparkao.gpu.layer.KvCache;

/**
 * How much a model takes at a time. Results depend on none of it but the type of the cache and the
 * products of steps.
 *
 * @param batchTokens most tokens of a pass, all sequences together
 * @param longest most tokens of a sequence; the model's context where that is less
 * @param sequences most sequences that are continued at a time
 * @param memoryBytes of the device, for everything; what it has left where that is less
 * @param cache what keys and values are stored as while continuing
 * @param steps the family of products that a step of decoding uses: that of {@link
 *     Operation#DECODE} is fast for few sequences at a time, that of {@link Operation#PREFILL} for
 *     hundreds
 */
public record ModelSettings(
    int batchTokens,
    int longest,
    int sequences,
    long memoryBytes,
    KvCache.Type cache,
    Operation steps) {
  /** Checks the numbers. */
  public ModelSettings {
    if (batchTokens < 1 || longest < 1 || sequences < 1 || memoryBytes < 1) {
      throw new IllegalArgumentException(
          batchTokens
              + " tokens, "
              + longest
              + " longest, "
              + sequences
              + " sequences, "
              + memoryBytes
              + " bytes");
    }
    Objects.requireNonNull(cache, "cache");
    Objects.requireNonNull(steps, "steps");
  }

  /** Without limits of memory and length, 16 sequences, a bf16 cache, products of decoding. */
  public static ModelSettings ofTokens(int batchTokens) {
    return new ModelSettings(
        batchTokens, Integer.MAX_VALUE, 16, Long.MAX_VALUE, KvCache.Type.BF16, Operation.DECODE);
  }

  /** With another type of cache. */
  public ModelSettings withCache(KvCache.Type type) {
    return new ModelSettings(batchTokens, longest, sequences, memoryBytes, type, steps);
  }

  /** With a limit of memory. */
  public ModelSettings withMemory(long bytes) {
    return new ModelSettings(batchTokens, longest, sequences, bytes, cache, steps);
  }

  /** With another number of sequences that are continued at a time. */
  public ModelSettings withSequences(int most) {
    return new ModelSettings(batchTokens, longest, most, memoryBytes, cache, steps);
  }

  /** With a limit of length. */
  public ModelSettings withLongest(int tokens) {
    return new ModelSettings(batchTokens, tokens, sequences, memoryBytes, cache, steps);
  }

  /** With another family of products in steps. */
  public ModelSettings withSteps(Operation family) {
    return new ModelSettings(batchTokens, longest, sequences, memoryBytes, cache, family);
  }
}
