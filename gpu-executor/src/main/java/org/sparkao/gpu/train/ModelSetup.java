package org.sparkao.gpu.train;

import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.sparkao.gpu.fake.Fakes;

/**
 * How a model is made ready for training.
 *
 * @param fakes which layers are fake-quantized
 * @param trained says by a tensor's name whether it is trained; absent: the model only computes,
 *     and not even learned scales are trained
 * @param tokens most of a batch
 * @param longest most of a sequence
 * @param headRows rows whose logits are held at a time
 * @param activations what becomes of what blocks compute on their way to their output
 * @param keepsStates whether the outputs of all blocks stay until the next batch; they do where
 *     there is a backward pass
 * @param float8 whether linear layers of blocks multiply fp8; inputs are not fake-quantized then
 */
public record ModelSetup(
    Fakes fakes,
    Optional<Predicate<String>> trained,
    int tokens,
    int longest,
    int headRows,
    Activations activations,
    boolean keepsStates,
    Float8 float8) {
  private static final int HEAD_ROWS = 512;

  /** Either gives the same bits. */
  public enum Activations {
    /** Backward passes compute them again from the block's input. */
    COMPUTED_AGAIN,
    /** Every block keeps its own until its backward pass. */
    KEPT
  }

  /** Checks sizes. */
  public ModelSetup {
    Objects.requireNonNull(fakes, "fakes");
    Objects.requireNonNull(trained, "trained");
    Objects.requireNonNull(activations, "activations");
    Objects.requireNonNull(float8, "float8");
    if (tokens < 1 || longest < 1 || headRows < 1) {
      throw new IllegalArgumentException(
          tokens + " tokens, " + longest + " longest, " + headRows + " rows of the head");
    }
  }

  /** Every weight is trained, and none quantized. */
  public static ModelSetup full(int tokens, int longest) {
    return frozen(tokens, longest).training(name -> true);
  }

  /** No weight is trained: a teacher. */
  public static ModelSetup frozen(int tokens, int longest) {
    return new ModelSetup(
        Fakes.NONE,
        Optional.empty(),
        tokens,
        longest,
        HEAD_ROWS,
        Activations.COMPUTED_AGAIN,
        false,
        Float8.NONE);
  }

  /** With fake quantization. */
  public ModelSetup withFakes(Fakes some) {
    return new ModelSetup(
        some, trained, tokens, longest, headRows, activations, keepsStates, float8);
  }

  /** Training these tensors alone, and learned scales. */
  public ModelSetup training(Predicate<String> some) {
    return new ModelSetup(
        fakes, Optional.of(some), tokens, longest, headRows, activations, keepsStates, float8);
  }

  /** Whether there is a backward pass. */
  boolean hasGradients() {
    return trained.isPresent();
  }

  /** Whether a tensor of this name is trained. */
  boolean trains(String name) {
    return trained.map(t -> t.test(name)).orElse(false);
  }

  /** With another number of rows of logits. */
  public ModelSetup withHeadRows(int rows) {
    return new ModelSetup(fakes, trained, tokens, longest, rows, activations, keepsStates, float8);
  }

  /** Faster, for memory of all blocks instead of one. */
  public ModelSetup keepingActivations() {
    return new ModelSetup(
        fakes, trained, tokens, longest, headRows, Activations.KEPT, keepsStates, float8);
  }

  /** With the outputs of all blocks, which {@link Distillation} compares. */
  public ModelSetup keepingStates() {
    return new ModelSetup(fakes, trained, tokens, longest, headRows, activations, true, float8);
  }

  /** How many hidden states of a batch there are. */
  int states(int layers) {
    return hasGradients() || keepsStates ? layers + 1 : 2;
  }

  /** With products in fp8, or without. */
  public ModelSetup withFloat8(Float8 some) {
    return new ModelSetup(
        fakes, trained, tokens, longest, headRows, activations, keepsStates, some);
  }

  /** How many blocks hold activations at a time. */
  int blocksWithActivations(int layers) {
    return hasGradients() && activations == Activations.KEPT ? layers : 1;
  }
}
