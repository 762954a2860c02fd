package org.sparkao.gpu.model;

import java.util.Objects;
import org.sparkao.gpu.layer.KvCache;

/**
 * How much a model takes at a time. Results do not depend on any of it but the type of the cache.
 *
 * @param batchTokens most tokens of a pass, all sequences together
 * @param longest most tokens of a sequence; the model's context where that is less
 * @param sequences most sequences that are continued at a time
 * @param memoryBytes of the device, for everything; what it has left where that is less
 * @param cache what keys and values are stored as while continuing
 */
public record ModelSettings(
    int batchTokens, int longest, int sequences, long memoryBytes, KvCache.Type cache) {
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
  }

  /** Without limits of memory and length, 16 sequences, and a bf16 cache. */
  public static ModelSettings ofTokens(int batchTokens) {
    return new ModelSettings(batchTokens, Integer.MAX_VALUE, 16, Long.MAX_VALUE, KvCache.Type.BF16);
  }

  /** With another type of cache. */
  public ModelSettings withCache(KvCache.Type type) {
    return new ModelSettings(batchTokens, longest, sequences, memoryBytes, type);
  }

  /** With a limit of memory. */
  public ModelSettings withMemory(long bytes) {
    return new ModelSettings(batchTokens, longest, sequences, bytes, cache);
  }

  /** With another number of sequences that are continued at a time. */
  public ModelSettings withSequences(int most) {
    return new ModelSettings(batchTokens, longest, most, memoryBytes, cache);
  }

  /** With a limit of length. */
  public ModelSettings withLongest(int tokens) {
    return new ModelSettings(batchTokens, tokens, sequences, memoryBytes, cache);
  }
}
