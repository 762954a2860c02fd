package org.sparkao.gpu.train;

import java.util.Arrays;
import java.util.List;
import org.sparkao.gpu.tensor.Parameter;

/** A whole model is trained on sequences. */
public final class ModelTask implements TrainingTask {
  private final TrainableModel model;
  private final Objective objective;
  private final List<int[]> sequences;

  /**
   * On sequences of token ids, each of at least two tokens and at most as many as the model was
   * made for.
   *
   * @param model stays the caller's
   */
  public ModelTask(TrainableModel model, Objective objective, List<int[]> sequences) {
    this.model = model;
    this.objective = objective;
    this.sequences = List.copyOf(sequences);
    for (int i = 0; i < sequences.size(); i++) {
      TrainErrors.requireTrainable(i, sequences.get(i), model);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return model.parameters();
  }

  @Override
  public int items() {
    return sequences.size();
  }

  @Override
  public long count(int[] items) {
    return objective.count(batch(items));
  }

  private TokenBatch batch(int[] items) {
    return TokenBatch.of(Arrays.stream(items).mapToObj(sequences::get).toList());
  }

  @Override
  public List<int[]> batches(int[] items) {
    return Batches.cut(items, i -> sequences.get(i).length, model.setup().tokens());
  }

  @Override
  public void zeroGradients() {
    model.zeroGradients();
  }

  @Override
  public BatchLoss accumulate(int[] batch, float weight) {
    return model.accumulate(batch(batch), objective, weight);
  }

  @Override
  public void finishGradients() {
    model.finishGradients();
  }
}
