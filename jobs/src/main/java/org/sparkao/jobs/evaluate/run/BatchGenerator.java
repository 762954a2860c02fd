package org.sparkao.jobs.evaluate.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparkao.datasets.task.Generation;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.jobs.evaluate.plan.ItemBatch;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.evaluate.plan.PromptTokens;
import org.sparkao.jobs.evaluate.run.BatchOutcome.ItemOutcome;

/** Has a model continue the prompts of a batch. */
final class BatchGenerator {
  private final LanguageModel model;
  private final Tokenizer tokenizer;

  BatchGenerator(LanguageModel model, Tokenizer tokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /** One outcome an item, in order. */
  List<ItemOutcome> generate(ItemBatch batch) {
    List<ItemOutcome> outcomes = new ArrayList<>();
    List<ItemWork> alike = new ArrayList<>();
    for (ItemWork item : batch.items()) {
      if (!alike.isEmpty() && !sameLimits(prompt(alike.get(0)), prompt(item))) {
        outcomes.addAll(continued(alike));
        alike.clear();
      }
      alike.add(item);
    }
    outcomes.addAll(continued(alike));
    return outcomes;
  }

  private static PromptTokens prompt(ItemWork item) {
    return item.prompts().get(0);
  }

  private static boolean sameLimits(PromptTokens a, PromptTokens b) {
    return a.mostTokens() == b.mostTokens() && Arrays.equals(a.endTokens(), b.endTokens());
  }

  private List<ItemOutcome> continued(List<ItemWork> items) {
    long begin = System.nanoTime();
    List<PromptTokens> prompts = items.stream().map(BatchGenerator::prompt).toList();
    PromptTokens first = prompts.get(0);
    List<int[]> continuations =
        model.generate(
            prompts.stream().map(PromptTokens::ids).toList(),
            new GenerationLimits(
                first.mostTokens(),
                first.endTokens(),
                (index, tokens) ->
                    generation(prompts.get(index)).isComplete(text(tokens, first.endTokens()))));
    long nanos = (System.nanoTime() - begin) / items.size();
    List<ItemOutcome> outcomes = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      int[] tokens = continuations.get(i);
      String text = generation(prompts.get(i)).cut(text(tokens, first.endTokens()));
      outcomes.add(
          new ItemOutcome(
              items.get(i).position(), List.of(), List.of(), text, tokens.length, nanos, null));
    }
    return outcomes;
  }

  private static Generation generation(PromptTokens prompt) {
    return new Generation(prompt.until(), prompt.mostTokens());
  }

  /** Without the token that ended it, which is not always one that decoding leaves out. */
  private String text(int[] tokens, int[] endTokens) {
    int last = tokens.length - 1;
    boolean ended = last >= 0 && Arrays.binarySearch(endTokens, tokens[last]) >= 0;
    return tokenizer.decode(ended ? Arrays.copyOf(tokens, last) : tokens);
  }
}
