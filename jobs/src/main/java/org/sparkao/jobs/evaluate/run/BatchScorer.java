package org.sparkao.jobs.evaluate.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;
import org.sparkao.gpu.model.LanguageModel.SequenceScore;
import org.sparkao.jobs.evaluate.logits.Agreement;
import org.sparkao.jobs.evaluate.logits.BatchLogits;
import org.sparkao.jobs.evaluate.plan.ItemBatch;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.evaluate.plan.RequestTokens;
import org.sparkao.jobs.evaluate.plan.TokenSequence;
import org.sparkao.jobs.evaluate.run.BatchOutcome.ItemOutcome;

/** Asks a model about the items of a batch. */
final class BatchScorer {
  private final LanguageModel model;
  private final Optional<BatchLogits> logits;

  /**
   * Of a batch.
   *
   * @param logits takes its logits where somebody wants them
   */
  BatchScorer(LanguageModel model, Optional<BatchLogits> logits) {
    this.model = model;
    this.logits = logits;
  }

  /** One outcome an item, in order. */
  List<ItemOutcome> score(ItemBatch batch) {
    long begin = System.nanoTime();
    List<TokenSequence> sequences =
        batch.items().stream().flatMap(item -> item.sequences().stream()).toList();
    List<SequenceScore> scores = new ArrayList<>();
    for (List<ScoredSequence> call : calls(sequences)) {
      int first = scores.size();
      scores.addAll(
          logits.isPresent() ? model.score(call, logits.get().sink(first)) : model.score(call));
    }
    long nanos = System.nanoTime() - begin;
    long tokens = batch.tokens();
    List<ItemOutcome> outcomes = new ArrayList<>();
    int next = 0;
    for (ItemWork item : batch.items()) {
      int count = item.sequences().size();
      long share = Math.round((double) nanos * item.tokens() / tokens);
      outcomes.add(outcome(item, scores.subList(next, next + count), share));
      next += count;
    }
    return outcomes;
  }

  /** An item that is longer than the budget takes several calls; a streamed model takes all. */
  private List<List<ScoredSequence>> calls(List<TokenSequence> sequences) {
    boolean all = model.placement() == LanguageModel.Placement.STREAMED;
    List<List<ScoredSequence>> calls = new ArrayList<>();
    int room = 0;
    for (TokenSequence sequence : sequences) {
      if (calls.isEmpty() || !all && sequence.ids().length > room) {
        calls.add(new ArrayList<>());
        room = model.batchTokens();
      }
      calls.get(calls.size() - 1).add(new ScoredSequence(sequence.ids(), sequence.firstScored()));
      room -= sequence.ids().length;
    }
    return calls;
  }

  private ItemOutcome outcome(ItemWork item, List<SequenceScore> scores, long nanos) {
    List<Double> logLikelihoods = new ArrayList<>();
    List<Boolean> greedy = new ArrayList<>();
    int next = 0;
    for (RequestTokens request : item.requests()) {
      double sum = 0;
      boolean all = true;
      for (int i = 0; i < request.sequences().size(); i++) {
        SequenceScore score = scores.get(next++);
        sum += score.sum();
        all &= score.allGreedy();
      }
      logLikelihoods.add(sum);
      greedy.add(all);
    }
    Agreement agreement = logits.flatMap(taken -> taken.agreement(item.position())).orElse(null);
    return new ItemOutcome(item.position(), logLikelihoods, greedy, null, 0, nanos, agreement);
  }
}
