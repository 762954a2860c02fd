package org.sparkao.gpu.train;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.sparkao.gpu.optimizer.AdamW;
import org.sparkao.gpu.optimizer.OptimizerFile;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * Makes the steps of a training. Its state is the values of parameters, the moments and the number
 * of steps done: {@link #write} keeps it, and after {@link #resume} the steps that follow have the
 * bits that they would have had. For one thread at a time; the caller closes it.
 */
public final class Trainer implements AutoCloseable {
  private static final String STEP = "step";
  private static final String SETTINGS = "settings";

  private final TrainingTask task;
  private final TrainerSettings settings;
  private final DataOrder order;
  private final List<Parameter> parameters;
  private final ParameterUpdate update;
  private int done;

  /**
   * Takes memory for the moments.
   *
   * @param operators of the task's model
   * @param adamW of the same device
   */
  public Trainer(
      TrainingOperators operators, TrainingTask task, AdamW adamW, TrainerSettings settings) {
    this.task = task;
    this.settings = settings;
    this.order = new DataOrder(settings.seed(), task.items());
    this.parameters = task.parameters();
    this.update = new ParameterUpdate(operators, adamW, parameters, settings);
  }

  /** Steps done. */
  public int done() {
    return done;
  }

  /** The items of a step, which follow from the seed and the step alone. */
  public int[] items(int step) {
    return order.items((long) (step - 1) * settings.itemsPerStep(), settings.itemsPerStep());
  }

  /** Makes the next step on its items. */
  public StepReport step() {
    return step(items(done + 1));
  }

  /**
   * Makes the next step on other items, such as a worker's share.
   *
   * @param items at least one
   */
  public StepReport step(int[] items) {
    int step = done + 1;
    task.zeroGradients();
    float weight = 1f / task.count(items);
    BatchLoss loss = BatchLoss.ZERO;
    for (int[] batch : task.batches(items)) {
      loss = loss.plus(task.accumulate(batch, weight));
    }
    task.finishGradients();
    double norm = update.step(step);
    done = step;
    return new StepReport(step, loss, norm, settings.schedule().rate(step));
  }

  /**
   * Writes the state.
   *
   * @param values receives parameters; stays the caller's to close, as {@code moments} does
   */
  public void write(ByteSink values, ByteSink moments) throws IOException {
    Map<String, String> metadata =
        Map.of(STEP, Integer.toString(done), SETTINGS, settings.toString());
    OptimizerFile.write(moments, update.states(), metadata);
    ParameterFile.write(values, parameters, metadata);
  }

  /**
   * Goes on from a written state.
   *
   * @throws org.sparkao.quant.QuantException when it was written by another training
   */
  public void resume(ByteSource values, ByteSource moments) throws IOException {
    Map<String, String> metadata = OptimizerFile.read(moments, update.states());
    requireSame(moments.location(), SETTINGS, settings.toString(), metadata);
    String step = metadata.getOrDefault(STEP, "");
    ParameterFile.read(
        values,
        parameters,
        found -> {
          requireSame(values.location(), SETTINGS, settings.toString(), found);
          requireSame(values.location(), STEP, step, found);
        });
    done = Integer.parseInt(step);
  }

  private static void requireSame(
      String file, String key, String wanted, Map<String, String> metadata) {
    String found = metadata.getOrDefault(key, "");
    if (!found.equals(wanted)) {
      throw TrainErrors.otherTraining(file, key + " " + found, wanted);
    }
  }

  /** Gives the moments back. */
  @Override
  public void close() {
    update.close();
  }
}
