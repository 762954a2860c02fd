package org.sparkao.gpu.train;

import java.util.Optional;
import org.sparkao.gpu.tensor.Tensor;

/**
 * Memory for fake weights and inputs of one kind of linear layer, and for their fp8 codes. All
 * blocks share it, that of weights only where blocks compute their activations again.
 */
final class LinearMemory {
  private final Optional<Float8Products> products;
  private final Inputs inputs;
  private Tensor weight;
  private Float8Matrix codes;

  /** Fake inputs of one kind of layer. */
  private static final class Inputs {
    private Tensor all;
    private Float8Matrix codes;
  }

  private LinearMemory(Optional<Float8Products> products, Inputs inputs) {
    this.products = products;
    this.inputs = inputs;
  }

  /** Of a layer of a block, whose products may be fp8. */
  static LinearMemory ofBlock(WeightLoader loader) {
    return new LinearMemory(loader.float8(), new Inputs());
  }

  /** Of the head, whose products are not. */
  static LinearMemory ofHead() {
    return new LinearMemory(Optional.empty(), new Inputs());
  }

  /** The same inputs, and weights of its own. */
  LinearMemory withOwnWeight() {
    return new LinearMemory(products, inputs);
  }

  /** Takes what a layer needs and is not there yet; closed with the loader. */
  void reserve(WeightLoader loader, Tensor like, boolean weights, boolean fakeInputs) {
    if (weights && weight == null) {
      weight = loader.takeStates(like.rows(), like.columns());
    }
    if (fakeInputs && inputs.all == null) {
      inputs.all = loader.takeStates(loader.setup().tokens(), like.columns());
    }
    if (products.isPresent() && codes == null) {
      codes = loader.keep(products.get().allocate(like.rows(), like.columns()));
    }
    if (products.isPresent() && inputs.codes == null) {
      inputs.codes = products.get().allocate(loader.setup().tokens(), like.columns());
      loader.keep(inputs.codes);
    }
  }

  boolean multipliesFloat8() {
    return products.isPresent();
  }

  /** [N, K]. */
  Tensor fakeWeight() {
    return weight;
  }

  /** [rows, K]. */
  Tensor fakeInput(int rows) {
    return inputs.all.slice(0, rows);
  }

  /** Its fp8 codes, where it has some. */
  Optional<Float8Linear> float8() {
    return products.map(some -> new Float8Linear(some, codes, inputs.codes));
  }
}
