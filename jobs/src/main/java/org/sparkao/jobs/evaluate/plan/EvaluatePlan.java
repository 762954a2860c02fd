package org.sparkao.jobs.evaluate.plan;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.sparkao.datasets.task.EvaluationTask;

/**
 * What is to be evaluated.
 *
 * @param model the model
 * @param tasks in the order asked for
 * @param items of all tasks, task by task; an item's position is its place here
 * @param available items that the data has, by task
 * @param limit how much the model gets at once
 * @param batchTokens budget of a batch
 */
public record EvaluatePlan(
    ModelFacts model,
    List<EvaluationTask> tasks,
    List<PlannedItem> items,
    Map<String, Integer> available,
    ContextLimit limit,
    int batchTokens) {
  /** Freezes lists and map. */
  public EvaluatePlan {
    tasks = List.copyOf(tasks);
    items = List.copyOf(items);
    available = Map.copyOf(available);
  }

  /** With another budget. */
  public EvaluatePlan withBatchTokens(int tokens) {
    return new EvaluatePlan(model, tasks, items, available, limit, tokens);
  }

  /** The items of each task, by its name. */
  public Map<String, List<PlannedItem>> itemsByTask() {
    return items.stream().collect(Collectors.groupingBy(item -> item.task().name()));
  }

  /** Most tokens of a sequence. */
  public int longest() {
    return items.stream().mapToInt(item -> item.work().longest()).max().orElse(0);
  }

  /** Most tokens of a call of the model: the budget, or one sequence that is longer. */
  public int callTokens() {
    return Math.max(batchTokens, longest());
  }

  /** The batches of some of the items. */
  public List<ItemBatch> batches(List<PlannedItem> some) {
    return ItemBatch.pack(some.stream().map(PlannedItem::work).toList(), callTokens());
  }
}
