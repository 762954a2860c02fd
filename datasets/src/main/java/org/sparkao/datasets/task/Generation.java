package org.sparkao.datasets.task;

import java.util.List;

/**
 * How a text is generated: greedily, until one of some strings or so many tokens.
 *
 * @param until strings that end the text and do not belong to it; the tokens that end a generation
 *     ({@code SpecialTokens.endOfGeneration}) end it too
 * @param maxTokens the most tokens that are generated
 */
public record Generation(List<String> until, int maxTokens) {
  /** The harness's {@code max_gen_toks} where a task says nothing. */
  static final int DEFAULT_MAX_TOKENS = 256;

  /** Refuses an empty stop string and less than one token. */
  public Generation {
    until = List.copyOf(until);
    if (until.contains("")) {
      throw new IllegalArgumentException("one of the stop strings " + until + " is empty");
    }
    if (maxTokens < 1) {
      throw new IllegalArgumentException("max tokens must be 1 at least and is " + maxTokens);
    }
  }

  /**
   * Whether a text that has been generated so far holds a stop string, so that no more is needed.
   */
  public boolean isComplete(String text) {
    return until.stream().anyMatch(text::contains);
  }

  /** The text before the first stop string in it; the whole text if there is none. */
  public String cut(String text) {
    int end = text.length();
    for (String stop : until) {
      int at = text.indexOf(stop);
      end = at < 0 ? end : Math.min(end, at);
    }
    return text.substring(0, end);
  }
}
