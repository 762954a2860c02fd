package org.sparkao.gpu.model;

import java.util.Arrays;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;

/** A prompt and the tokens that follow it. */
final class Continuation {
  private final int index;
  private final int[] prompt;
  private final GenerationLimits limits;
  private final int[] tokens;
  private int count;
  private boolean finished;

  Continuation(int index, int[] prompt, GenerationLimits limits) {
    this.index = index;
    this.prompt = prompt;
    this.limits = limits;
    this.tokens = new int[limits.mostTokens()];
  }

  /** The prompt and the new tokens so far. */
  int[] all() {
    int[] all = Arrays.copyOf(prompt, prompt.length + count);
    System.arraycopy(tokens, 0, all, prompt.length, count);
    return all;
  }

  /** Adds a token, and looks whether it was the last. */
  void add(int token) {
    tokens[count++] = token;
    finished =
        count == tokens.length
            || Arrays.stream(limits.endTokens()).anyMatch(end -> end == token)
            || limits.stop().stopsAt(index, tokens());
  }

  boolean finished() {
    return finished;
  }

  int last() {
    return tokens[count - 1];
  }

  /** Where the last token stands. */
  int position() {
    return prompt.length + count - 1;
  }

  /** New tokens so far. */
  int[] tokens() {
    return Arrays.copyOf(tokens, count);
  }
}
