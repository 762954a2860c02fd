package org.sparkao.jobs.evaluate.run;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.sparkao.datasets.task.Answer;
import org.sparkao.datasets.task.Metric;
import org.sparkao.datasets.task.Outcome;
import org.sparkao.datasets.task.ScoredItem;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
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
            counts(item, RequestTokens::contextTokens),
            counts(item, RequestTokens::continuationTokens),
            item.work().cutTokens(),
            java.util.Optional.empty());
    return row(
        item,
        key,
        said,
        new Origin(
            runId,
            who.executor(),
            who.attempt(),
            outcome.nanos(),
            Instant.ofEpochMilli(who.finishedMillis())));
  }

  /** The row of what another run, or this one before, has computed. */
  EvalItemRow takenOver(PlannedItem item, EvalItemRow stored) {
    return row(item, stored.key(), stored.outcome(), stored.origin());
  }

  private EvalItemRow row(
      PlannedItem item, EvalItemRow.Key key, EvalItemRow.Outcome said, Origin origin) {
    List<ScoredItem> scored = List.of(scored(item, said));
    List<Value> metrics =
        item.task().metrics().stream()
            .map(metric -> new Value(metric.metricName(), metric.score(scored)))
            .toList();
    Metric first = item.task().metrics().get(0);
    boolean judged = first == Metric.ACC;
    return new EvalItemRow(
        runId,
        key,
        item(item),
        said,
        new Scores(
            judged ? OptionalLong.of((long) metrics.get(0).value()) : OptionalLong.empty(),
            metrics),
        origin);
  }

  private static EvalItemRow.Item item(PlannedItem item) {
    boolean counted = item.answer() instanceof Answer.Text && item.task().chunkTokens().isEmpty();
    Answer.Text text = counted ? (Answer.Text) item.answer() : new Answer.Text(0, 0);
    return new EvalItemRow.Item(
        item.index(),
        item.hash(),
        item.requestHashes(),
        counted ? OptionalLong.of(text.words()) : OptionalLong.empty(),
        counted ? OptionalLong.of(text.bytes()) : OptionalLong.empty());
  }

  private static List<Long> counts(
      PlannedItem item, java.util.function.ToIntFunction<RequestTokens> count) {
    return item.work().requests().stream().map(r -> (long) count.applyAsInt(r)).toList();
  }

  /** What metrics are taken of. */
  static ScoredItem scored(PlannedItem item, EvalItemRow.Outcome said) {
    return new ScoredItem(
        item.answer(),
        new Outcome(
            said.logLikelihoods(),
            said.greedy().get(0) == 1,
            said.continuationTokens().stream().mapToLong(Long::longValue).sum(),
            Optional.empty()));
  }
}
