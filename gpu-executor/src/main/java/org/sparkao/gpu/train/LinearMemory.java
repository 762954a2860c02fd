package org.sparkao.gpu.train;

import org.sparkao.gpu.tensor.Tensor;

/** Memory for fake weights and inputs of one kind of linear layer; all blocks share it. */
final class LinearMemory {
  private Tensor weight;
  private Tensor input;

  /** Takes what a layer needs and is not there yet; closed with the loader. */
  void reserve(WeightLoader loader, Tensor like, boolean weights, boolean inputs) {
    if (weights && weight == null) {
      weight = loader.takeStates(like.rows(), like.columns());
    }
    if (inputs && input == null) {
      input = loader.takeStates(loader.setup().tokens(), like.columns());
    }
  }

  /** [N, K]. */
  Tensor fakeWeight() {
    return weight;
  }

  /** [rows, K]. */
  Tensor fakeInput(int rows) {
    return input.slice(0, rows);
  }
}
