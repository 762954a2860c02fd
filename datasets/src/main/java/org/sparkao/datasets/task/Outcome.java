package org.sparkao.datasets.task;

import java.util.List;
import java.util.Optional;

/**
 * What a model said to one item.
 *
 * @param logLikelihoods one a request, natural logarithm, summed over the continuation's tokens;
 *     none of a generation
 * @param greedy whether every token of the (first) continuation was the likeliest; used by
 *     last-word tasks alone
 * @param tokens how many tokens were predicted; used by token perplexity alone
 * @param text what was generated, cut before its stop string; empty if nothing was generated
 */
public record Outcome(
    List<Double> logLikelihoods, boolean greedy, long tokens, Optional<String> text) {
  /** Refuses NaN, which would win or lose any comparison unnoticed. */
  public Outcome {
    logLikelihoods = List.copyOf(logLikelihoods);
    if (logLikelihoods.isEmpty() == text.isEmpty()
        || logLikelihoods.stream().anyMatch(x -> x.isNaN())) {
      throw new IllegalArgumentException(
          "log-likelihoods must be numbers, one a request, and are " + logLikelihoods);
    }
  }

  /** The outcome of a multiple-choice item. */
  public static Outcome ofChoices(List<Double> logLikelihoods) {
    return new Outcome(logLikelihoods, false, 0, Optional.empty());
  }

  /** The outcome of a last-word item. */
  public static Outcome ofLastWord(double logLikelihood, boolean greedy) {
    return new Outcome(List.of(logLikelihood), greedy, 0, Optional.empty());
  }

  /** The outcome of a text, or of one chunk of it. */
  public static Outcome ofText(double logLikelihood, long tokens) {
    return new Outcome(List.of(logLikelihood), false, tokens, Optional.empty());
  }

  /** The outcome of a generation: its text, cut before the stop string that ended it. */
  public static Outcome ofGeneration(String text) {
    return new Outcome(List.of(), false, 0, Optional.of(text));
  }
}
