package org.sparkao.jobs.evaluate.plan;

import java.io.Serializable;
import java.util.List;

/**
 * A prompt that is continued greedily.
 *
 * @param ids its tokens; owned by the record
 * @param until texts that end the continuation and do not belong to it
 * @param endTokens tokens that end it, ascending; owned by the record
 * @param mostTokens of the continuation
 * @param cutTokens tokens that were cut off on the left
 */
public record PromptTokens(
    int[] ids, List<String> until, int[] endTokens, int mostTokens, int cutTokens)
    implements Serializable {
  /** Freezes the texts. */
  public PromptTokens {
    until = List.copyOf(until);
  }

  /** Tokens of prompt and continuation. */
  public int tokens() {
    return ids.length + mostTokens;
  }
}
