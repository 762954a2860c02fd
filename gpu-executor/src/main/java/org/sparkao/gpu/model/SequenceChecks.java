package org.sparkao.gpu.model;

import java.util.List;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;

/** Refuses sequences that a model has no room for, before anything is computed. */
record SequenceChecks(ModelConfig config, ModelSettings settings) {
  /** Checks a sequence that is scored. */
  void checkScored(ScoredSequence sequence) {
    check(sequence.ids(), sequence.read(), 0);
  }

  /**
   * Checks a prompt.
   *
   * @param added tokens that are to follow it
   */
  void checkPrompt(int[] ids, int added) {
    check(ids, ids.length, added);
  }

  private void check(int[] ids, int read, int added) {
    int longest = Math.min(config.sizes().context(), settings.longest());
    if (read == 0 || added < 0 || (long) read + added > longest) {
      throw new IllegalArgumentException(
          read + " tokens and " + added + " more, of at most " + longest);
    }
    checkRead(read);
    for (int id : ids) {
      if (id < 0 || id >= config.sizes().vocabulary()) {
        throw new IllegalArgumentException(
            "token " + id + " of a vocabulary of " + config.sizes().vocabulary());
      }
    }
  }

  /** Checks what a pass reads of one sequence. */
  void checkRead(int read) {
    if (read > settings.batchTokens()) {
      throw new IllegalArgumentException(
          read + " tokens in passes of at most " + settings.batchTokens());
    }
  }

  /** A resident model takes what fits into a pass. */
  void checkOnePass(int passes, List<ScoredSequence> batch) {
    if (passes > 1) {
      int tokens = batch.stream().mapToInt(ScoredSequence::read).sum();
      throw new IllegalArgumentException(
          tokens + " tokens in a batch of at most " + settings.batchTokens());
    }
  }
}
