package org.sparkao.gpu.train;

import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.TrainingOperators.Distilling;

/** To predict what a teacher predicts: the divergence over the whole vocabulary, at every token. */
public final class Distillation implements Objective {
  private final TrainingOperators operators;
  private final TrainableModel teacher;
  private final float temperature;

  /**
   * From a teacher.
   *
   * @param operators of the model that is trained, and of the teacher
   * @param teacher stays the caller's; of the same vocabulary, and made for batches and rows of
   *     logits as large
   * @param temperature of both distributions
   */
  public Distillation(TrainingOperators operators, TrainableModel teacher, float temperature) {
    this.operators = operators;
    this.teacher = teacher;
    this.temperature = temperature;
  }

  @Override
  public int count(TokenBatch batch) {
    return batch.tokens();
  }

  @Override
  public void begin(TokenBatch batch) {
    teacher.forward(batch);
  }

  @Override
  public void losses(Rows rows, Tensor logits, float weight, Tensor losses) {
    Tensor wanted = teacher.logits(rows.begin(), rows.end());
    operators.divergence(logits, wanted, new Distilling(temperature, weight), losses);
  }
}
