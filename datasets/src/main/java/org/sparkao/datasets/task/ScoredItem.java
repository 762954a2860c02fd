package org.sparkao.datasets.task;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * An item's answer and a model's.
 *
 * @param answer what is right
 * @param outcome what the model said
 */
public record ScoredItem(Answer answer, Outcome outcome) {
  private static final ToDoubleFunction<String> ONE = choice -> 1;

  /** Refuses an outcome that has not one log-likelihood a request. */
  public ScoredItem {
    boolean generated = answer instanceof Answer.Generated;
    int requests =
        answer instanceof Answer.Choice choice ? choice.choices().size() : generated ? 0 : 1;
    if (generated != outcome.text().isPresent()) {
      throw new IllegalArgumentException(
          "the item needs a text: " + generated + ", its outcome has " + outcome.text());
    }
    if (outcome.logLikelihoods().size() != requests) {
      throw new IllegalArgumentException(
          "the item has "
              + requests
              + " requests, its outcome "
              + outcome.logLikelihoods().size()
              + " log-likelihoods");
    }
  }

  /** Whether the likeliest choice, or the greedy continuation, is the right one. */
  boolean correct() {
    return answer instanceof Answer.LastWord ? outcome.greedy() : bestPer(ONE) == choice().gold();
  }

  /** Whether the choice that is likeliest per character (code point) is the right one. */
  boolean correctPerCharacter() {
    return bestPer(PythonText::length) == choice().gold();
  }

  /** Whether the choice that is likeliest per byte of UTF-8 is the right one. */
  boolean correctPerByte() {
    return bestPer(text -> text.getBytes(StandardCharsets.UTF_8).length) == choice().gold();
  }

  /** Whether the generated text is the right one, unit by unit. */
  boolean exactMatch() {
    if (answer instanceof Answer.Generated generated) {
      return generated.target().equals(outcome.text().orElseThrow());
    }
    throw new IllegalArgumentException("no text to match in " + answer);
  }

  /** The log-likelihood of the one request. */
  double logLikelihood() {
    return outcome.logLikelihoods().get(0);
  }

  /** The text's counts. */
  Answer.Text text() {
    if (answer instanceof Answer.Text text) {
      return text;
    }
    throw new IllegalArgumentException("no text to count in " + answer);
  }

  private Answer.Choice choice() {
    if (answer instanceof Answer.Choice choice) {
      return choice;
    }
    throw new IllegalArgumentException("no choices in " + answer);
  }

  /** Index of the largest quotient; the first one of equals, as numpy's argmax. */
  private int bestPer(ToDoubleFunction<String> size) {
    List<String> choices = choice().choices();
    int best = 0;
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < choices.size(); i++) {
      double value = outcome.logLikelihoods().get(i) / size.applyAsDouble(choices.get(i));
      if (value > most) {
        most = value;
        best = i;
      }
    }
    return best;
  }
}
