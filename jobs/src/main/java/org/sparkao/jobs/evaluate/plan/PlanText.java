package org.sparkao.jobs.evaluate.plan;

import java.util.List;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;

/** A plan as people read it. */
public final class PlanText {
  private PlanText() {}

  /** Model, then a line a task, then what it comes to; every line ends with a line feed. */
  public static String of(EvaluatePlan plan) {
    StringBuilder text = new StringBuilder();
    ModelFacts model = plan.model();
    text.append("model: ")
        .append(model.architecture())
        .append(", ")
        .append(Texts.bytes(model.weightBytes()))
        .append(" of weights, vocabulary ")
        .append(Texts.count(model.vocabulary()))
        .append(", context ")
        .append(Texts.count(plan.limit().tokens()))
        .append(plan.limit().tokens() < model.context() ? " of " + model.context() : "")
        .append('\n');
    TextTable table =
        TextTable.of(
            TextTable.text("task"),
            TextTable.text("version"),
            TextTable.number("items"),
            TextTable.number("requests"),
            TextTable.number("tokens"),
            TextTable.number("longest"),
            TextTable.number("cut items"),
            TextTable.number("cut tokens"));
    for (EvaluationTask task : plan.tasks()) {
      List<ItemWork> items =
          plan.itemsByTask().get(task.name()).stream().map(PlannedItem::work).toList();
      table.row(
          task.name(),
          task.version(),
          Texts.count(items.size()),
          Texts.count(
              items.stream()
                  .mapToLong(item -> item.requests().size() + item.prompts().size())
                  .sum()),
          Texts.count(items.stream().mapToLong(ItemWork::tokens).sum()),
          Texts.count(items.stream().mapToInt(ItemWork::longest).max().orElse(0)),
          Texts.count(items.stream().filter(item -> item.cutTokens() > 0).count()),
          Texts.count(items.stream().mapToLong(ItemWork::cutTokens).sum()));
    }
    table.lines().forEach(line -> text.append(line).append('\n'));
    List<ItemBatch> batches = plan.batches(plan.items());
    text.append(Texts.count(plan.items().size()))
        .append(" items, ")
        .append(Texts.count(batches.stream().mapToLong(ItemBatch::tokens).sum()))
        .append(" tokens in ")
        .append(Texts.count(batches.size()))
        .append(" batches of up to ")
        .append(Texts.count(plan.callTokens()))
        .append(" tokens\n");
    return text.toString();
  }
}
