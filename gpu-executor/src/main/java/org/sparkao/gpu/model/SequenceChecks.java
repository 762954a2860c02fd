package org.sparkao.gpu.model;

import java.util.List;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;

/** Refuses sequences that a model has no room for, before anything is computed. */
record SequenceChecks(ModelConfig config, ModelSettings settings) {
  /**
   * Checks a sequence.
   *
   * @param added tokens that are to follow it
   */
  void check(int[] ids, int added) {
    int longest = Math.min(config.sizes().context(), settings.longest());
    if (ids.length == 0 || added < 0 || (long) ids.length + added > longest) {
      throw new IllegalArgumentException(
          ids.length + " tokens and " + added + " more, of at most " + longest);
    }
    if (ids.length > settings.batchTokens()) {
      throw new IllegalArgumentException(
          ids.length + " tokens in passes of at most " + settings.batchTokens());
    }
    for (int id : ids) {
      if (id < 0 || id >= config.sizes().vocabulary()) {
        throw new IllegalArgumentException(
            "token " + id + " of a vocabulary of " + config.sizes().vocabulary());
      }
    }
  }

  /** A resident model takes what fits into a pass. */
  void checkOnePass(int passes, List<ScoredSequence> batch) {
    if (passes > 1) {
      int tokens = batch.stream().mapToInt(sequence -> sequence.ids().length).sum();
      throw new IllegalArgumentException(
          tokens + " tokens in a batch of at most " + settings.batchTokens());
    }
  }
}
