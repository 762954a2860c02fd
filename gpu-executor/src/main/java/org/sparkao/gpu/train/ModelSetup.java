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
 */
public record ModelSetup(
    Fakes fakes, Optional<Predicate<String>> trained, int tokens, int longest, int headRows) {
  private static final int HEAD_ROWS = 512;

  /** Checks sizes. */
  public ModelSetup {
    Objects.requireNonNull(fakes, "fakes");
    Objects.requireNonNull(trained, "trained");
    if (tokens < 1 || longest < 1 || headRows < 1) {
      throw new IllegalArgumentException(
          tokens + " tokens, " + longest + " longest, " + headRows + " rows of the head");
    }
  }

  /** Every weight is trained, and none quantized. */
  public static ModelSetup full(int tokens, int longest) {
    return new ModelSetup(Fakes.NONE, Optional.of(name -> true), tokens, longest, HEAD_ROWS);
  }

  /** No weight is trained: a teacher. */
  public static ModelSetup frozen(int tokens, int longest) {
    return new ModelSetup(Fakes.NONE, Optional.empty(), tokens, longest, HEAD_ROWS);
  }

  /** With fake quantization. */
  public ModelSetup withFakes(Fakes some) {
    return new ModelSetup(some, trained, tokens, longest, headRows);
  }

  /** Training these tensors alone, and learned scales. */
  public ModelSetup training(Predicate<String> some) {
    return new ModelSetup(fakes, Optional.of(some), tokens, longest, headRows);
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
    return new ModelSetup(fakes, trained, tokens, longest, rows);
  }
}
