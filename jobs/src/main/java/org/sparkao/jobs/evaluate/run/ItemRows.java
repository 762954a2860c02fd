package org.sparkao.jobs.evaluate.run;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sparkao.datasets.task.Answer;
import org.sparkao.datasets.task.Outcome;
import org.sparkao.datasets.task.ScoredItem;
import org.sparkao.datasets.task.TaskScore;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.evaluate.plan.PromptTokens;
import org.sparkao.jobs.evaluate.plan.RequestTokens;
import org.sparkao.jobs.evaluate.run.BatchOutcome.ItemOutcome;
import org.sparkao.jobs.evaluate.run.BatchOutcome.Who;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalItemRow.Origin;
import org.sparkao.jobs.table.EvalItemRow.Scores;
import org.sparkao.jobs.table.EvalItemRow.Value;

/** Outcomes to rows of one run, and back to what metrics are taken of. */
final class ItemRows {
  private final String runId;

  ItemRows(String runId) {
    this.runId = runId;
  }

  /** The row of what was computed. */
  EvalItemRow computed(PlannedItem item, EvalItemRow.Key key, ItemOutcome outcome, Who who) {
    EvalItemRow.Outcome said =
        new EvalItemRow.Outcome(
            outcome.logLikelihoods(),
            outcome.greedy().stream().map(all -> all ? 1L : 0L).toList(),
            counts(item, RequestTokens::contextTokens, prompt -> prompt.ids().length),
            counts(item, RequestTokens::continuationTokens, prompt -> outcome.newTokens()),
            item.work().cutTokens(),
            Optional.ofNullable(outcome.generated()));
    return row(
        item,
        key,
        said,
        MetricNames.of(outcome.agreement()),
        new Origin(
            runId,
            who.executor(),
            who.attempt(),
            outcome.nanos(),
            Instant.ofEpochMilli(who.finishedMillis())));
  }

  /** The row of what another run, or this one before, has computed. */
  EvalItemRow takenOver(PlannedItem item, EvalItemRow stored) {
    List<Value> agreement =
        stored.scores().metrics().stream()
            .filter(value -> MetricNames.AGREEMENT.contains(value.name()))
            .toList();
    return row(item, stored.key(), stored.outcome(), agreement, stored.origin());
  }

  private EvalItemRow row(
      PlannedItem item,
      EvalItemRow.Key key,
      EvalItemRow.Outcome said,
      List<Value> agreement,
      Origin origin) {
    List<ScoredItem> scored = List.of(scored(item, said));
    List<TaskScore> scores = item.task().scores();
    List<Value> metrics =
        scores.stream()
            .map(score -> new Value(MetricNames.of(score), score.score(scored)))
            .toList();
    return new EvalItemRow(
        runId,
        key,
        item(item),
        said,
        new Scores(
            MetricNames.isShare(scores.get(0).metric())
                ? OptionalLong.of((long) metrics.get(0).value())
                : OptionalLong.empty(),
            Stream.concat(metrics.stream(), agreement.stream()).toList()),
        origin);
  }

  private static EvalItemRow.Item item(PlannedItem item) {
    boolean counted = item.answer() instanceof Answer.Text && item.task().chunkTokens().isEmpty();
    Answer.Text text = counted ? (Answer.Text) item.answer() : new Answer.Text(0, 0);
    return new EvalItemRow.Item(
        item.index(),
        item.hash(),
        item.requestHashes(),
        item.asked(),
        counted ? OptionalLong.of(text.words()) : OptionalLong.empty(),
        counted ? OptionalLong.of(text.bytes()) : OptionalLong.empty());
  }

  private static List<Long> counts(
      PlannedItem item,
      ToIntFunction<RequestTokens> scored,
      ToIntFunction<PromptTokens> continued) {
    return IntStream.concat(
            item.work().requests().stream().mapToInt(scored),
            item.work().prompts().stream().mapToInt(continued))
        .asLongStream()
        .boxed()
        .toList();
  }

  /** What metrics are taken of. */
  static ScoredItem scored(PlannedItem item, EvalItemRow.Outcome said) {
    if (item.answer() instanceof Answer.Generated) {
      return new ScoredItem(item.answer(), Outcome.ofGeneration(said.generated().orElseThrow()));
    }
    return new ScoredItem(
        item.answer(),
        new Outcome(
            said.logLikelihoods(),
            said.greedy().get(0) == 1,
            said.continuationTokens().stream().mapToLong(Long::longValue).sum(),
            Optional.empty()));
  }
}
