package org.sparkao.datasets.sample;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The text of the bundled sample, a function of {@link #SEED} alone: items, held-out stories,
 * training stories. The held-out text is drawn first, and a training story that equals or contains
 * a held-out one is drawn again. The facts of the people are the same in all of them.
 */
public final class SampleText {
  /** The seed of everything that is committed. */
  public static final long SEED = 20261122;

  /** Multiple-choice items. */
  public static final int ITEMS = 1000;

  /** Held-out stories, for perplexity. */
  public static final int HELD_OUT_STORIES = 400;

  /** Stories of the training text. */
  public static final int TRAINING_STORIES = 400_000;

  private final World world;
  private final List<SampleItem> items = new ArrayList<>(ITEMS);
  private final List<String> heldOut = new ArrayList<>(HELD_OUT_STORIES);
  private final Set<String> heldOutStories = new HashSet<>();
  private final long trainingSeed;

  /** Writes the items and the held-out stories. */
  public SampleText() {
    Draw seeds = new Draw(SEED);
    this.world = new World(seeds.seed());
    Draw itemDraw = new Draw(seeds.seed());
    StoryWriter heldOutWriter = new StoryWriter(world, new Draw(seeds.seed()));
    this.trainingSeed = seeds.seed();
    writeItems(new StoryWriter(world, itemDraw), itemDraw);
    while (heldOut.size() < HELD_OUT_STORIES) {
      String story = text(heldOutWriter.write());
      if (heldOutStories.add(story)) {
        heldOut.add(story);
      }
    }
  }

  /** The items, {@link SentenceKind}s in turn, labels balanced in every block of four. */
  public List<SampleItem> items() {
    return List.copyOf(items);
  }

  /** The held-out stories, one line each. */
  public List<String> heldOut() {
    return List.copyOf(heldOut);
  }

  /** The training stories in order, one line each; a new pass every call. */
  public Iterable<String> training() {
    return () -> {
      StoryWriter writer = new StoryWriter(world, new Draw(trainingSeed));
      return IntStream.range(0, TRAINING_STORIES).mapToObj(i -> trainingStory(writer)).iterator();
    };
  }

  private String trainingStory(StoryWriter writer) {
    String story = text(writer.write());
    while (heldOutStories.contains(story)) {
      story = text(writer.write());
    }
    return story;
  }

  private void writeItems(StoryWriter writer, Draw draw) {
    List<SentenceKind> kinds = List.of(SentenceKind.values());
    List<Integer> labels = List.of();
    while (items.size() < ITEMS) {
      if (labels.isEmpty()) {
        labels = draw.shuffled(List.of(0, 1, 2, 3));
      }
      SentenceKind kind = kinds.get(items.size() % kinds.size());
      List<Sentence> story = writer.write();
      int asked = indexOf(kind, story);
      if (asked >= 0 && heldOutStories.add(text(story))) {
        items.add(item(story.subList(0, asked), story.get(asked), labels.get(0), draw));
        labels = labels.subList(1, labels.size());
      }
    }
  }

  private static int indexOf(SentenceKind kind, List<Sentence> story) {
    return IntStream.range(0, story.size())
        .filter(i -> story.get(i).kind() == kind)
        .findFirst()
        .orElse(-1);
  }

  private SampleItem item(List<Sentence> before, Sentence asked, int label, Draw draw) {
    List<String> wrong =
        asked.kind().answers().stream().filter(word -> !word.equals(asked.answer())).toList();
    List<String> words = new ArrayList<>(draw.some(wrong, SampleItem.ENDINGS - 1));
    words.add(label, asked.answer());
    return new SampleItem(
        items.size(),
        asked.kind(),
        text(before) + " " + asked.stem(),
        words.stream().map(word -> " " + word + ".").toList(),
        label);
  }

  private static String text(List<Sentence> story) {
    return story.stream().map(Sentence::text).collect(Collectors.joining(" "));
  }
}
