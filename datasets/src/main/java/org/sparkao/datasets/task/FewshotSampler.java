package org.sparkao.datasets.task;

import java.util.List;

/**
 * Draws the examples of one group of a task, for its items in their order: the harness's {@code
 * ContextSampler} and {@code FirstNSampler}. Drawing changes the state that the next item's
 * examples depend on.
 */
final class FewshotSampler {
  /** The harness's {@code fewshot_random_seed}. */
  private static final int SEED = 1234;

  private final TaskDefinition.Fewshot settings;
  private final List<PreparedDocument> pool;
  private final PythonRandom random = new PythonRandom(SEED);

  FewshotSampler(TaskDefinition.Fewshot settings, List<PreparedDocument> pool) {
    this.settings = settings;
    this.pool = List.copyOf(pool);
  }

  /**
   * The examples of an item.
   *
   * @throws IllegalArgumentException if the pool is too small
   */
  List<PreparedDocument> draw(int count, PreparedDocument item) {
    boolean first = settings.sampler() == TaskDefinition.Sampler.FIRST;
    boolean without = settings.withoutItem();
    int needed = count + (without && !first ? 1 : 0);
    if (needed > pool.size()) {
      throw new IllegalArgumentException(
          "needs "
              + needed
              + " examples to draw "
              + count
              + " from, and there are "
              + pool.size()
              + "; ask for fewer (--num-fewshot)");
    }
    List<PreparedDocument> drawn = first ? pool : random.sample(pool, needed);
    if (without) {
      drawn = without(drawn, item);
      if (drawn.size() < count) {
        List<PreparedDocument> others = without(pool, item);
        drawn = first ? others : random.sample(others, count);
      }
    }
    return drawn.subList(0, count);
  }

  private static List<PreparedDocument> without(
      List<PreparedDocument> documents, PreparedDocument item) {
    return documents.stream().filter(document -> !document.sameAs(item)).toList();
  }
}
