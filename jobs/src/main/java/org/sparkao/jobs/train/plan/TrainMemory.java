package org.sparkao.jobs.train.plan;

import java.io.Serializable;
import java.util.Optional;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.fake.ActivationFake;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.fake.Fakes;
import org.sparkao.gpu.fake.WeightFake;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.ModelSetup;
import org.sparkao.gpu.train.TrainingMemory;
import org.sparkao.jobs.job.Texts;
import org.sparkao.quant.QuantException;

/**
 * Bytes that a task takes of the heap, or of its GPU.
 *
 * @param mode what it trains
 * @param compute where
 * @param weights values of all, the teacher's too, and which of them stay zero
 * @param gradients of those that are trained
 * @param moments of the optimizer
 * @param activations hidden states, what a block computes in, logits
 * @param samples inputs and outputs of a block for all sequences; 0 for a whole model
 * @param other what the other mode takes in all
 */
public record TrainMemory(
    TrainMode mode,
    TrainCompute compute,
    long weights,
    long gradients,
    long moments,
    long activations,
    long samples,
    long other)
    implements Serializable {

  /** Every layer is taken for one that is quantized. */
  private record AllLayers(boolean learned) implements Fakes {
    @Override
    public Optional<WeightFake> weight(String module, Tensor weight) {
      return Optional.empty();
    }

    @Override
    public Optional<ActivationFake> activation(String module, int columns) {
      return Optional.empty();
    }

    @Override
    public boolean learnsScales(String module) {
      return learned;
    }
  }

  /**
   * Of a training; reads nothing.
   *
   * @param quantizes whether there is a scheme
   */
  static TrainMemory of(
      ModelConfig config, WeightLookup lookup, TrainOptions options, boolean quantizes) {
    Fakes fakes = quantizes ? new AllLayers(options.ranges() != Ranges.COMPUTED) : Fakes.NONE;
    ModelSetup setup = options.setup(fakes);
    TrainMemory block = ofBlock(config, lookup, setup, options);
    TrainMemory model = ofModel(config, lookup, setup, options);
    return options.mode() == TrainMode.BLOCK
        ? block.beside(model.total())
        : model.beside(block.total());
  }

  private static TrainMemory ofModel(
      ModelConfig config, WeightLookup lookup, ModelSetup setup, TrainOptions options) {
    TrainingMemory student = memory(config, lookup, setup, options);
    TrainingMemory teacher = memory(config, lookup, options.teacher(), options);
    boolean taught = options.distills();
    return new TrainMemory(
        TrainMode.MODEL,
        options.compute(),
        student.weights() + (taught ? teacher.weights() : 0) + options.keptBytes(student),
        student.gradients(),
        student.moments(),
        activations(student) + (taught ? activations(teacher) : 0),
        0,
        0);
  }

  private static TrainingMemory memory(
      ModelConfig config, WeightLookup lookup, ModelSetup setup, TrainOptions options) {
    return TrainingMemory.of(
        config, lookup, setup, options.states(), options.compute().arithmetic());
  }

  /**
   * Beside the block that is trained lies the one that says what is wanted. Where blocks read the
   * student, its hidden states and what is wanted lie on the device.
   */
  private static TrainMemory ofBlock(
      ModelConfig config, WeightLookup lookup, ModelSetup setup, TrainOptions options) {
    TrainingMemory block =
        TrainingMemory.ofBlock(
            config, lookup, setup, options.states(), options.compute().arithmetic());
    long tokens = (long) options.samples() * options.sequenceLength();
    long stream = options.compute().arithmetic().bytes() * tokens * config.sizes().hidden();
    boolean onGpu = options.compute().device() == DeviceInfo.Kind.CUDA;
    boolean follows = options.readsStudent();
    return new TrainMemory(
        TrainMode.BLOCK,
        options.compute(),
        2 * block.weights() + options.keptBytes(block),
        block.gradients(),
        block.moments(),
        activations(block) + (follows && onGpu ? 2 * stream : 0),
        follows && onGpu ? 0 : 2 * stream,
        0);
  }

  private static long activations(TrainingMemory memory) {
    return memory.states() + memory.block() + memory.head();
  }

  private TrainMemory beside(long bytes) {
    return new TrainMemory(mode, compute, weights, gradients, moments, activations, samples, bytes);
  }

  /** All together. */
  public long total() {
    return weights + gradients + moments + activations + samples;
  }

  /**
   * Refuses what cannot fit.
   *
   * @param heapBytes most that the JVM of a task takes
   * @param gpuBytes of its GPU, where one computes: hidden states of all sequences stay on the heap
   * @param tasks that may run there at the same time
   */
  public void require(long heapBytes, long gpuBytes, int tasks) {
    boolean onGpu = compute.device() == DeviceInfo.Kind.CUDA;
    if (onGpu && tasks * samples > heapBytes) {
      throw new QuantException(
          refusal("the heap", heapBytes, tasks)
              + "give executors more memory (SPARKAO_MEMORY for a local run), or choose fewer"
              + " --samples");
    }
    long there = onGpu ? gpuBytes : heapBytes;
    // Tasks of blocks take turns at a GPU.
    int together = onGpu && mode == TrainMode.BLOCK ? 1 : tasks;
    if (together * (onGpu ? total() - samples : total()) <= there) {
      return;
    }
    boolean otherFits = other <= there;
    throw new QuantException(
        refusal(compute.place(), there, together)
            + (otherFits ? otherMode() : "")
            + (together == 1
                ? ""
                : "choose fewer --workers, executors of fewer cores (spark.executor.cores), or ")
            + compute.more()
            + (otherFits
                ? ""
                : ", or choose fewer --samples, a shorter --sequence-length or smaller"
                    + " --optimizer-states"));
  }

  private String otherMode() {
    return (mode == TrainMode.MODEL ? "--mode block" : "--mode model")
        + " needs "
        + Texts.bytes(other)
        + " and fits; or ";
  }

  private String refusal(String place, long has, int tasks) {
    return "--mode "
        + mode.configName()
        + ": a task needs "
        + text()
        + (tasks == 1 ? "" : ", " + tasks + " of them may run in one executor")
        + ", and "
        + place
        + " has "
        + Texts.bytes(has)
        + "; ";
  }

  /** The parts. */
  public String text() {
    return Texts.bytes(total())
        + ": "
        + Texts.bytes(weights)
        + " of weights, "
        + Texts.bytes(gradients)
        + " of gradients, "
        + Texts.bytes(moments)
        + " of moments, "
        + Texts.bytes(activations)
        + " of activations"
        + (samples == 0 ? "" : ", " + Texts.bytes(samples) + " of hidden states of all sequences");
  }
}
