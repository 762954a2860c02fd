package org.sparkao.jobs.evaluate.plan;

import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.quant.QuantException;

/** Whether a tokenizer is a model's. */
public final class TokenizerFit {
  private TokenizerFit() {}

  /**
   * Refuses a tokenizer with ids that the model has no row for.
   *
   * @param vocabulary rows of the model's embedding
   */
  public static void require(Tokenizer tokenizer, int vocabulary) {
    if (tokenizer.vocabularySize() > vocabulary) {
      throw new QuantException(
          "the tokenizer has "
              + tokenizer.vocabularySize()
              + " ids, the model's embedding "
              + vocabulary
              + " rows; use the tokenizer that came with the model");
    }
  }
}
