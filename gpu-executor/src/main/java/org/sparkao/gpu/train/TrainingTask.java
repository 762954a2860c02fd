package org.sparkao.gpu.train;

import java.util.List;
import org.sparkao.gpu.tensor.Parameter;

/** What a {@link Trainer} trains, and on what. */
public interface TrainingTask {
  /** What moves, always in the same order. */
  List<Parameter> parameters();

  /** Items there are. */
  int items();

  /** Tokens, or elements, of some items that have a loss. */
  long count(int[] items);

  /** Cuts items into batches that fit, in their order. */
  List<int[]> batches(int[] items);

  /** Makes all gradients zero. */
  void zeroGradients();

  /** Adds {@code weight} times the gradient of the sum of the losses of a batch. */
  BatchLoss accumulate(int[] batch, float weight);

  /** Makes gradients what {@link #parameters()} are moved by, after the last batch of a step. */
  void finishGradients();
}
