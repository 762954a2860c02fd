package org.sparkao.jobs.train.plan;

import java.io.Serializable;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.fake.Fakes;
import org.sparkao.gpu.optimizer.AdamWSettings;
import org.sparkao.gpu.optimizer.CosineSchedule;
import org.sparkao.gpu.optimizer.GradientClipping;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.train.Distillation;
import org.sparkao.gpu.train.ModelSetup;
import org.sparkao.gpu.train.TrainerSettings;
import org.sparkao.gpu.train.TrainerSettings.Decay;
import org.sparkao.gpu.train.TrainingMemory;
import org.sparkao.quant.scheme.Numerics;

/**
 * What decides the result, beside model, schemes and data. Travels to the executors; its text says
 * everything about it.
 *
 * @param mode what is trained together
 * @param steps of each block, or of the model
 * @param batchSequences sequences of a worker's step
 * @param samples sequences there are
 * @param sequenceLength tokens of each
 * @param learningRate the highest
 * @param scaleLearningRate the highest of learned scales
 * @param warmUpSteps until it is reached
 * @param weightDecay of matrices, times the learning rate
 * @param decay where weight decay moves matrices to
 * @param beta2 decay of AdamW's second moment
 * @param largestNorm that gradients are clipped to
 * @param states what moments are stored as
 * @param ranges where the scales of weights come from
 * @param frozen regular expression; tensors in whose name it is found keep their values; empty:
 *     none
 * @param temperature of distillation from the teacher; 0: the next token is predicted
 * @param labelWeight of the next token in distillation; 0: the text is not asked
 * @param hiddenWeight of the hidden states in distillation; 0: they are not compared
 * @param numerics whose arithmetic codes have
 * @param seed of the order of sequences
 * @param averaging of workers, in {@link TrainMode#MODEL}
 * @param compute what computes, and in which numbers
 * @param keepsZeros whether weights that are zero stay zero
 * @param inputs what blocks read, in {@link TrainMode#BLOCK}
 */
public record TrainOptions(
    TrainMode mode,
    int steps,
    int batchSequences,
    int samples,
    int sequenceLength,
    double learningRate,
    double scaleLearningRate,
    int warmUpSteps,
    double weightDecay,
    Decay decay,
    double beta2,
    double largestNorm,
    StateFormat states,
    Ranges ranges,
    String frozen,
    float temperature,
    float labelWeight,
    float hiddenWeight,
    Numerics numerics,
    long seed,
    Averaging averaging,
    TrainCompute compute,
    boolean keepsZeros,
    BlockInputs inputs)
    implements Serializable {
  /** All parts are given. */
  public TrainOptions {
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(decay, "decay");
    Objects.requireNonNull(states, "states");
    Objects.requireNonNull(ranges, "ranges");
    Objects.requireNonNull(frozen, "frozen");
    Objects.requireNonNull(numerics, "numerics");
    Objects.requireNonNull(averaging, "averaging");
    Objects.requireNonNull(compute, "compute");
    Objects.requireNonNull(inputs, "inputs");
  }

  /** Most tokens of a forward pass. */
  public int passTokens() {
    int sequences = Math.max(1, compute.passTokens() / sequenceLength);
    return sequenceLength * Math.min(sequences, batchSequences);
  }

  /** Sequences of a step of all workers together. */
  public int stepSequences() {
    return Math.multiplyExact(batchSequences, averaging.workers());
  }

  /** Tokens of a step of all workers together. */
  public long stepTokens() {
    return (long) stepSequences() * sequenceLength;
  }

  /** A model, or a block, that is trained. */
  public ModelSetup setup(Fakes fakes) {
    return ModelSetup.frozen(passTokens(), sequenceLength)
        .training(trained())
        .withHeadRows(compute.headRows())
        .withFloat8(compute.float8())
        .withFakes(fakes);
  }

  /** Says by a tensor's name whether it is trained. */
  Predicate<String> trained() {
    return frozen.isEmpty() ? name -> true : Pattern.compile(frozen).asPredicate().negate();
  }

  /** The model whose outputs are learned. */
  public ModelSetup teacher() {
    ModelSetup setup =
        ModelSetup.frozen(passTokens(), sequenceLength).withHeadRows(compute.headRows());
    return hiddenWeight > 0 ? setup.keepingStates() : setup;
  }

  /** What is learned of the teacher, in {@link TrainMode#MODEL}. */
  public Distillation.Settings distilling() {
    return new Distillation.Settings(temperature, labelWeight, hiddenWeight);
  }

  /**
   * Bytes that say which weights stay zero, and of values that weights decay to.
   *
   * @param memory of what is trained
   */
  public long keptBytes(TrainingMemory memory) {
    long zeros = keepsZeros ? memory.gradients() / Float.BYTES * compute.arithmetic().bytes() : 0;
    boolean starts = decay == Decay.START && weightDecay > 0;
    return zeros + (starts ? memory.gradients() : 0);
  }

  /** Whether each block reads what the trained ones before it give. */
  public boolean readsStudent() {
    return mode == TrainMode.BLOCK && inputs == BlockInputs.STUDENT;
  }

  /** Whether a teacher is asked. */
  public boolean distills() {
    return temperature > 0;
  }

  /** What the trainer is told. */
  public TrainerSettings trainer() {
    AdamWSettings usual = AdamWSettings.DEFAULT;
    return new TrainerSettings(
        new AdamWSettings(usual.beta1(), beta2, usual.epsilon(), weightDecay),
        decay,
        states,
        new CosineSchedule(learningRate, warmUpSteps, steps, 0),
        scaleLearningRate / learningRate,
        new GradientClipping(largestNorm),
        batchSequences,
        seed);
  }
}
