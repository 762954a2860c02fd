package org.sparkao.gpu.train;

import org.sparkao.gpu.tensor.Tensor;

/** What a model is trained for: a loss of every token, of its logits. */
public interface Objective {
  /** Tokens of a batch that have a loss: a step's loss is the mean over them. */
  int count(TokenBatch batch);

  /** Prepares for a batch, before {@link #losses} is asked for its rows. */
  void begin(TokenBatch batch);

  /**
   * Losses of some tokens of the batch that was begun, and their gradient.
   *
   * @param logits [rows, vocabulary]; becomes {@code weight} times the gradient of the sum of
   *     losses
   * @param losses [rows, 1]
   */
  void losses(Rows rows, Tensor logits, float weight, Tensor losses);

  /** Whether {@link #stateLosses} asks anything: a model that is trained keeps its states then. */
  default boolean readsStates() {
    return false;
  }

  /**
   * Adds what a block's output costs to the losses of the tokens of the batch that was begun.
   *
   * @param layer from 0
   * @param states [tokens, hidden]; becomes {@code weight} times the gradient of the sum of what is
   *     added
   * @param losses [tokens, 1]
   */
  default void stateLosses(int layer, Tensor states, float weight, Tensor losses) {
    throw new IllegalStateException("states are not read");
  }

  /**
   * Some tokens of a batch.
   *
   * @param begin inclusive
   * @param end exclusive
   */
  record Rows(TokenBatch batch, int begin, int end) {}
}
