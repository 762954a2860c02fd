package org.sparkao.gpu.train;

import java.util.List;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/**
 * A task whose matrices keep their zeros: a weight that is zero has no gradient, so that its
 * moments stay zero and it never moves. Gradients pass through the host.
 */
public final class KeptZeros implements TrainingTask {
  private final TrainingTask task;

  /** The same task otherwise. */
  public KeptZeros(TrainingTask task) {
    this.task = task;
  }

  @Override
  public List<Parameter> parameters() {
    return task.parameters();
  }

  @Override
  public int items() {
    return task.items();
  }

  @Override
  public long count(int[] items) {
    return task.count(items);
  }

  @Override
  public List<int[]> batches(int[] items) {
    return task.batches(items);
  }

  @Override
  public void zeroGradients() {
    task.zeroGradients();
  }

  @Override
  public BatchLoss accumulate(int[] batch, float weight) {
    return task.accumulate(batch, weight);
  }

  @Override
  public void finishGradients() {
    task.finishGradients();
    for (Parameter parameter : task.parameters()) {
      if (parameter.value().rows() > 1 && parameter.value().columns() > 1) {
        mask(parameter.value().toFloats(), parameter.gradient());
      }
    }
  }

  private static void mask(float[] values, Tensor gradient) {
    float[] masked = gradient.toFloats();
    int zeros = 0;
    for (int i = 0; i < values.length; i++) {
      if (values[i] == 0) {
        masked[i] = 0;
        zeros++;
      }
    }
    if (zeros > 0) {
      gradient.write(masked, 0);
    }
  }
}
