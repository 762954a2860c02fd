package org.sparkao.gpu.model;

import java.util.Arrays;
import org.sparkao.gpu.layer.SamplingRule;
import org.sparkao.gpu.layer.TokenSampler;
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

  /** Its place among the prompts. */
  int index() {
    return index;
  }

  /** Tokens of the prompt and the new ones so far. */
  int length() {
    return prompt.length + count;
  }

  /** The prompt and the new tokens so far. */
  int[] all() {
    int[] all = Arrays.copyOf(prompt, length());
    System.arraycopy(tokens, 0, all, prompt.length, count);
    return all;
  }

  /** Adds a token, and looks whether it was the last. */
  void add(int token) {
    if (token < 0) {
      throw ModelErrors.noToken(index, length());
    }
    tokens[count++] = token;
    finished =
        count == tokens.length
            || isEnd(token)
            || limits.stop() != LanguageModel.StopRule.NEVER
                && limits.stop().stopsAt(index, tokens());
  }

  private boolean isEnd(int token) {
    for (int end : limits.endTokens()) {
      if (end == token) {
        return true;
      }
    }
    return false;
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

  /** How the next token is chosen, as {@link TokenSampler} is told. */
  int flags(SamplingRule rule) {
    int greedy = rule.isGreedy(count) ? TokenSampler.GREEDY : 0;
    boolean goesOn = count < limits.leastTokens() && limits.endTokens().length > 0;
    return goesOn ? greedy | TokenSampler.FORBIDS : greedy;
  }

  /** New tokens so far. */
  int[] tokens() {
    return Arrays.copyOf(tokens, count);
  }
}
