package org.sparkao.datasets.sample;

import java.util.ArrayList;
import java.util.List;

/**
 * Writes stories: two people meet, one finds something, both do what they always do, and the finder
 * still holds what was found.
 */
final class StoryWriter {
  private static final int FEWEST_HABITS = 5;
  private static final int MOST_HABITS = 8;

  private final World world;
  private final Draw draw;

  StoryWriter(World world, Draw draw) {
    this.world = world;
    this.draw = draw;
  }

  /** One story; no person tells the same fact twice in it. */
  List<Sentence> write() {
    int one = draw.between(0, World.PEOPLE - 1);
    int other = (one + draw.between(1, World.PEOPLE - 1)) % World.PEOPLE;
    String finder = world.name(one);
    String thing = draw.one(SentenceKind.FOUND.answers());
    List<Sentence> story = new ArrayList<>();
    story.add(new Sentence(null, finder + " meets", world.name(other)));
    story.add(new Sentence(null, finder + " finds the", thing));
    int habits = draw.between(FEWEST_HABITS, MOST_HABITS);
    story.addAll(draw.some(possible(one, other), habits));
    story.add(new Sentence(SentenceKind.FOUND, finder + " " + SentenceKind.FOUND.verb(), thing));
    return story;
  }

  /** What may happen; a home that is visited is told by the visit only. */
  private List<Sentence> possible(int one, int other) {
    boolean visits = draw.between(0, 1) == 0;
    List<Sentence> sentences = new ArrayList<>();
    for (SentenceKind kind : SentenceKind.facts()) {
      sentences.add(fact(kind, one));
      if (kind != SentenceKind.HOME || !visits) {
        sentences.add(fact(kind, other));
      }
    }
    if (visits) {
      sentences.add(
          new Sentence(
              SentenceKind.VISIT,
              world.name(one) + " " + SentenceKind.VISIT.verb() + " " + world.name(other) + " in",
              world.fact(SentenceKind.HOME, other)));
    }
    return sentences;
  }

  private Sentence fact(SentenceKind kind, int person) {
    return new Sentence(kind, world.name(person) + " " + kind.verb(), world.fact(kind, person));
  }
}
