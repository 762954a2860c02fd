package org.sparkao.gpu.train;

import java.util.Arrays;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.TrainingOperators.Distilling;
import org.sparkao.gpu.train.TrainingOperators.Relative;

/**
 * To predict what a teacher predicts: the divergence over the whole vocabulary, at every token;
 * where asked for, also the token that the text has next (Hinton et al. 2015, section 2). Where
 * asked for, also to have its hidden states behind every block (Jiao et al. 2020, TinyBERT,
 * equation 8), by their squared error relative to the teacher's squares, so that the few tokens of
 * very large states count no more than others.
 */
public final class Distillation implements Objective {
  private final TrainingOperators operators;
  private final TrainableModel teacher;
  private final Settings settings;

  /**
   * What is asked.
   *
   * @param temperature of both distributions
   * @param labels how much the cross entropy of the next token counts beside the divergence; 0: the
   *     text is not asked
   * @param hidden how much the mean over all blocks of the relative errors of hidden states counts
   *     beside the divergence; 0: they are not compared
   */
  public record Settings(float temperature, float labels, float hidden) {}

  /**
   * From a teacher.
   *
   * @param operators of the model that is trained, and of the teacher
   * @param teacher stays the caller's; of the same vocabulary, and made for batches and rows of
   *     logits as large; with {@link ModelSetup#keepingStates()} where hidden states are compared
   */
  public Distillation(TrainingOperators operators, TrainableModel teacher, Settings settings) {
    this.operators = operators;
    this.teacher = teacher;
    this.settings = settings;
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
    int[] targets = Arrays.copyOfRange(rows.batch().targets(), rows.begin(), rows.end());
    Distilling distilling = new Distilling(settings.temperature(), settings.labels(), weight);
    operators.divergence(logits, wanted, targets, distilling, losses);
  }

  @Override
  public boolean readsStates() {
    return settings.hidden() > 0;
  }

  @Override
  public void stateLosses(int layer, Tensor states, float weight, Tensor losses) {
    float factor = settings.hidden() / teacher.config().sizes().layers();
    Tensor wanted = teacher.blockOutput(layer).slice(0, states.rows());
    operators.relativeError(states, wanted, new Relative(factor, weight), losses);
  }
}
