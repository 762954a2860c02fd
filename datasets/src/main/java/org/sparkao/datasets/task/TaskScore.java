package org.sparkao.datasets.task;

import java.util.List;

/**
 * A score of a task: a metric, of generation after a filter. To be asked of a task: {@link
 * EvaluationTask#scores}.
 */
public final class TaskScore {
  private final Metric metric;
  private final ResponseFilter filter;
  private final ExactMatch rule;

  TaskScore(Metric metric, ResponseFilter filter, ExactMatch rule) {
    this.metric = metric;
    this.filter = filter;
    this.rule = rule;
  }

  /** The metric. */
  public Metric metric() {
    return metric;
  }

  /** The filter that takes the answer out of a generated text; {@code none} where there is none. */
  public String filter() {
    return filter.name();
  }

  /** The harness's name of it in results: {@code acc,none}, {@code exact_match,strict-match}. */
  public String name() {
    return metric.metricName() + "," + filter.name();
  }

  /**
   * The score of some items; of a single one it is that item's share.
   *
   * @throws IllegalArgumentException if there are no items, or they are of another kind
   */
  public double score(List<ScoredItem> items) {
    return metric.score(
        metric.fits(TaskKind.GENERATION) ? items.stream().map(this::compared).toList() : items);
  }

  private ScoredItem compared(ScoredItem item) {
    if (item.answer() instanceof Answer.Generated generated) {
      String answer = filter.answer(item.outcome().text().orElseThrow());
      return new ScoredItem(
          new Answer.Generated(rule.normalized(generated.target())),
          Outcome.ofGeneration(rule.normalized(answer)));
    }
    throw new IllegalArgumentException("no text to match in " + item.answer());
  }
}
