package org.sparkao.gpu.train;

import org.sparkao.gpu.tensor.Tensor;

/**
 * Memory for fake weights and inputs of one kind of linear layer. All blocks share it, fake weights
 * only where blocks compute their activations again.
 */
final class LinearMemory {
  private final Inputs inputs;
  private Tensor weight;

  /** Fake inputs of one kind of layer. */
  private static final class Inputs {
    private Tensor all;
  }

  LinearMemory() {
    this.inputs = new Inputs();
  }

  private LinearMemory(Inputs inputs) {
    this.inputs = inputs;
  }

  /** The same inputs, and fake weights of its own. */
  LinearMemory withOwnWeight() {
    return new LinearMemory(inputs);
  }

  /** Takes what a layer needs and is not there yet; closed with the loader. */
  void reserve(WeightLoader loader, Tensor like, boolean weights, boolean fakeInputs) {
    if (weights && weight == null) {
      weight = loader.takeStates(like.rows(), like.columns());
    }
    if (fakeInputs && inputs.all == null) {
      inputs.all = loader.takeStates(loader.setup().tokens(), like.columns());
    }
  }

  /** [N, K]. */
  Tensor fakeWeight() {
    return weight;
  }

  /** [rows, K]. */
  Tensor fakeInput(int rows) {
    return inputs.all.slice(0, rows);
  }
}
