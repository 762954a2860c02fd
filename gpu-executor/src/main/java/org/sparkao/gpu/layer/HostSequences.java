package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.CpuDevice;

/**
 * The sequences of a {@link PrefillAttention.Batch} of the processor. Positions of a sequence count
 * from the first token of its prefix, where it has one.
 */
public final class HostSequences {
  private final int[] boundaries;
  private final int[] prefixes;

  /** Reads the batch. */
  public HostSequences(PrefillAttention.Batch batch) {
    this.boundaries = new int[batch.sequences() + 1];
    this.prefixes = new int[2 * batch.sequences()];
    CpuDevice.bytes(batch.boundaries()).asIntBuffer().get(boundaries);
    batch.prefixes().ifPresent(given -> CpuDevice.bytes(given).asIntBuffer().get(prefixes));
  }

  /** How many. */
  public int count() {
    return boundaries.length - 1;
  }

  /** The first of a sequence's own tokens. */
  public int begin(int sequence) {
    return boundaries[sequence];
  }

  /** How many tokens are a sequence's own. */
  public int own(int sequence) {
    return boundaries[sequence + 1] - boundaries[sequence];
  }

  /** How many tokens come before its own. */
  public int before(int sequence) {
    return prefixes[2 * sequence + 1];
  }

  /** How many tokens it has with those before its own. */
  public int length(int sequence) {
    return before(sequence) + own(sequence);
  }

  /** The token at a position. */
  public int token(int sequence, int position) {
    int before = before(sequence);
    return position < before
        ? prefixes[2 * sequence] + position
        : boundaries[sequence] + position - before;
  }
}
