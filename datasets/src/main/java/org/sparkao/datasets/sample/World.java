package org.sparkao.datasets.sample;

/**
 * The facts that all stories share: who the people are and what is true of each. They are drawn
 * once, from a seed, and have no pattern, so that a model has to store every one of them in its
 * weights: eight facts of 16,384 people, five or six bits each. That is near what a model of a
 * million weights can store (at most two bits a weight: Allen-Zhu and Li, Physics of Language
 * Models, part 3.3, arXiv 2404.05405), so coarse weights lose some of it.
 */
final class World {
  /** Number of people. */
  static final int PEOPLE = Words.FIRST_NAMES.size() * Words.LAST_NAMES.size();

  private final byte[][] facts = new byte[SentenceKind.facts().size()][PEOPLE];

  World(long seed) {
    Draw draw = new Draw(seed);
    for (int kind = 0; kind < facts.length; kind++) {
      int answers = SentenceKind.facts().get(kind).answers().size();
      for (int person = 0; person < PEOPLE; person++) {
        facts[kind][person] = (byte) draw.between(0, answers - 1);
      }
    }
  }

  /** First and last name of a person, numbered from 0. */
  String name(int person) {
    int firstNames = Words.FIRST_NAMES.size();
    return Words.FIRST_NAMES.get(person % firstNames)
        + " "
        + Words.LAST_NAMES.get(person / firstNames);
  }

  /** What is true of a person. */
  String fact(SentenceKind kind, int person) {
    return kind.answers().get(facts[SentenceKind.facts().indexOf(kind)][person]);
  }
}
