package org.sparkao.gpu.train;

import java.util.Arrays;
import org.sparkao.gpu.tensor.Tensor;

/** To predict the next token: cross entropy. */
public final class NextToken implements Objective {
  private final TrainingOperators operators;

  /** On the operators of the model that is trained. */
  public NextToken(TrainingOperators operators) {
    this.operators = operators;
  }

  @Override
  public int count(TokenBatch batch) {
    return batch.predicted();
  }

  @Override
  public void begin(TokenBatch batch) {
    // Targets are in the batch.
  }

  @Override
  public void losses(Rows rows, Tensor logits, float weight, Tensor losses) {
    int[] targets = Arrays.copyOfRange(rows.batch().targets(), rows.begin(), rows.end());
    operators.crossEntropy(logits, targets, weight, losses);
  }
}
