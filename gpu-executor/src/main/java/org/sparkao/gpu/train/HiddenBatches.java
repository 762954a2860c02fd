package org.sparkao.gpu.train;

import java.util.Arrays;
import java.util.Optional;

/**
 * Batches of sequences of hidden states. One that is like the last is the same object, so that a
 * device has its positions and boundaries already.
 */
final class HiddenBatches {
  private int[] last = {};
  private Optional<TokenBatch> batch = Optional.empty();

  /** Of sequences of so many tokens; their ids are not read, as blocks begin with hidden states. */
  TokenBatch of(int[] tokens) {
    if (batch.isEmpty() || !Arrays.equals(tokens, last)) {
      batch = Optional.of(TokenBatch.of(Arrays.stream(tokens).mapToObj(int[]::new).toList()));
      last = tokens.clone();
    }
    return batch.orElseThrow();
  }
}
