package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/**
 * A task whose weights keep their zeros: a weight of a matrix that is zero when this is made has no
 * gradient, so that its moments stay zero and it never moves. Which these are lies on the device, a
 * number a weight. The caller closes it; the task stays the caller's.
 */
public final class KeptZeros implements TrainingTask, AutoCloseable {
  private static final String WEIGHT = ".weight";

  private final TrainingOperators operators;
  private final TrainingTask task;
  private final List<Masked> masked = new ArrayList<>();
  private long zeros;

  /**
   * A gradient, and what it is multiplied by.
   *
   * @param kept 1, or 0 where the weight is zero; of the shape of the gradient
   */
  private record Masked(Tensor gradient, Tensor kept) {}

  /** Of the weights that the task's parameters have now. */
  public KeptZeros(TrainingOperators operators, TrainingTask task) {
    this.operators = operators;
    this.task = task;
    try {
      task.parameters().forEach(this::keep);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void keep(Parameter parameter) {
    Tensor value = parameter.value();
    if (!parameter.name().endsWith(WEIGHT) || value.rows() == 1 || value.columns() == 1) {
      return;
    }
    float[] kept = value.toFloats();
    long before = zeros;
    for (int i = 0; i < kept.length; i++) {
      zeros += kept[i] == 0 ? 1 : 0;
      kept[i] = kept[i] == 0 ? 0 : 1;
    }
    if (zeros > before) {
      Tensor mask = operators.allocateStates(value.rows(), value.columns());
      masked.add(new Masked(parameter.gradient(), mask));
      mask.write(kept, 0);
    }
  }

  /** How many weights stay zero. */
  public long zeros() {
    return zeros;
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
    masked.forEach(one -> operators.multiply(one.kept(), one.gradient()));
  }

  @Override
  public void close() {
    masked.forEach(one -> one.kept().close());
  }
}
