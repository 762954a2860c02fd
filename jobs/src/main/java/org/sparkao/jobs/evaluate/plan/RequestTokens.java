package org.sparkao.jobs.evaluate.plan;

import java.io.Serializable;
import java.util.List;

/**
 * A request as the model gets it.
 *
 * @param sequences one; several where windows roll over a long text. Their scores are added
 * @param contextTokens tokens before the first scored one
 * @param continuationTokens tokens that are scored, of all sequences
 * @param cutTokens tokens that were cut off on the left
 */
public record RequestTokens(
    List<TokenSequence> sequences, int contextTokens, int continuationTokens, int cutTokens)
    implements Serializable {
  /** Freezes the list. */
  public RequestTokens {
    sequences = List.copyOf(sequences);
  }
}
