package org.sparkao.jobs.evaluate.plan;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.sparkao.datasets.task.Answer;
import org.sparkao.datasets.task.EvaluationItem;
import org.sparkao.datasets.task.Request;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.table.AskedItem;

/** What the tables show of an item's texts: few-shot examples and long passages are cut off. */
final class AskedText {
  private static final int QUESTION = 300;
  private static final int CHOICE = 200;
  private static final int TARGET = 300;

  private AskedText() {}

  static AskedItem of(EvaluationItem item) {
    Request first = item.requests().get(0);
    Optional<String> question = Optional.of(Texts.end(first.context(), QUESTION));
    if (item.answer() instanceof Answer.Choice choice) {
      List<String> choices =
          choice.choices().stream().map(text -> Texts.beginning(text, CHOICE)).toList();
      return new AskedItem(
          question,
          choices,
          OptionalLong.of(choice.gold()),
          Optional.of(choices.get(choice.gold())));
    }
    if (item.answer() instanceof Answer.Text) {
      return new AskedItem(
          Optional.of(Texts.beginning(first.continuation(), QUESTION)),
          List.of(),
          OptionalLong.empty(),
          Optional.empty());
    }
    // The end of a worked solution is its result.
    String target =
        item.answer() instanceof Answer.Generated generated
            ? generated.target()
            : first.continuation();
    return new AskedItem(
        question, List.of(), OptionalLong.empty(), Optional.of(Texts.end(target, TARGET)));
  }
}
