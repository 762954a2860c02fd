package org.sparkao.datasets.sample;

import java.util.List;

/**
 * What a sentence of a story tells, and so what an item asks. All but two tell a fact of a person
 * that holds in every story: see {@link World}.
 */
public enum SentenceKind {
  /** Where a person lives. */
  HOME("goes home to", Words.TOWNS),
  /** Which animal a person keeps. */
  PET("feeds the", Words.ANIMALS),
  /** What a person eats. */
  FOOD("eats the", Words.FOODS),
  /** What a person does for a living. */
  TRADE("works as the", Words.TRADES),
  /** What a person plays. */
  INSTRUMENT("plays the", Words.INSTRUMENTS),
  /** What a person grows. */
  PLANT("waters the", Words.PLANTS),
  /** What a person runs from. */
  FEAR("runs from the", Words.FEARS),
  /** What a person keeps in a box. */
  TREASURE("counts the", Words.TREASURES),
  /** Where somebody else of the story lives, who is visited. */
  VISIT("visits", Words.TOWNS),
  /** What was found earlier in the same story: no fact of a person, another one every time. */
  FOUND("still holds the", Words.THINGS);

  private final String verb;
  private final List<String> answers;

  SentenceKind(String verb, List<String> answers) {
    this.verb = verb;
    this.answers = answers;
  }

  /** The words between the person and the answer. */
  String verb() {
    return verb;
  }

  /** All that the last word can be. */
  List<String> answers() {
    return answers;
  }

  /** The kinds that {@link World#fact} answers from a person alone. */
  static List<SentenceKind> facts() {
    return List.of(HOME, PET, FOOD, TRADE, INSTRUMENT, PLANT, FEAR, TREASURE);
  }
}
