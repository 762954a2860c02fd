package org.sparkao.gpu.train;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.sparkao.gpu.optimizer.AdamW;
import org.sparkao.gpu.optimizer.OptimizerFile;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;

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

  /** Makes the next step. */
  public StepReport step() {
    return step(0, 1);
  }

  /**
   * Makes the next step of one of several workers, each of which has its own share of the items:
   * these follow from the seed, the step and the worker alone. All shares together are the items of
   * one worker that takes so many more at a step.
   *
   * @param worker from 0
   * @param workers that there are
   */
  public StepReport step(int worker, int workers) {
    long first = (long) settings.itemsPerStep() * ((long) done * workers + worker);
    int[] items = order.items(first, settings.itemsPerStep());
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
    writeMoments(moments);
    writeValues(values, 0, 1);
  }

  /** Writes the moments; the sink stays the caller's to close. */
  public void writeMoments(ByteSink moments) throws IOException {
    OptimizerFile.write(moments, update.states(), metadata());
  }

  /**
   * Writes some parameters. Every one is in one part, and parts are of about one size.
   *
   * @param values stays the caller's to close
   * @param part from 0
   * @param parts that there are
   */
  public void writeValues(ByteSink values, int part, int parts) throws IOException {
    ParameterFile.write(values, ParameterFile.part(parameters, part, parts), metadata());
  }

  private Map<String, String> metadata() {
    return Map.of(STEP, Integer.toString(done), SETTINGS, settings.toString());
  }

  /**
   * Goes on from a written state.
   *
   * @param values of all parts
   * @throws org.sparkao.quant.QuantException when it was written by another training; nothing is
   *     changed then
   */
  public void resume(List<ByteSource> values, ByteSource moments) throws IOException {
    Map<String, String> metadata = OptimizerFile.require(moments, update.states());
    requireSame(moments.location(), SETTINGS, settings.toString(), metadata);
    String step = metadata.getOrDefault(STEP, "");
    requireState(values, step);
    OptimizerFile.read(moments, update.states());
    ParameterFile.read(values, parameters);
    done = Integer.parseInt(step);
  }

  /**
   * Takes other values after the same step, such as the means over workers. Moments stay.
   *
   * @param values of all parts
   * @throws org.sparkao.quant.QuantException when they are of another training; nothing is changed
   *     then
   */
  public void replaceValues(List<ByteSource> values) throws IOException {
    requireState(values, Integer.toString(done));
    ParameterFile.read(values, parameters);
  }

  private void requireState(List<ByteSource> values, String step) throws IOException {
    for (ByteSource source : values) {
      Map<String, String> found = SafetensorsHeader.read(source).metadata();
      requireSame(source.location(), SETTINGS, settings.toString(), found);
      requireSame(source.location(), STEP, step, found);
    }
    ParameterFile.require(values, parameters);
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
