package org.sparkao.gpu.train;

import org.sparkao.gpu.tensor.Tensor;

/** Output head and losses, some rows at a time: never are all logits of a batch held. */
final class HeadPass {
  private final TrainableLinear linear;
  private final int rows;
  private final Tensor logits;
  private final Tensor losses;
  private final Tensor dNormed;

  /** Takes memory that is closed with the loader's. */
  HeadPass(WeightLoader loader, TrainableLinear linear, int vocabulary) {
    this.linear = linear;
    ModelSetup setup = loader.setup();
    this.rows = Math.min(setup.headRows(), setup.tokens());
    this.logits = loader.takeStates(rows, vocabulary);
    this.losses = loader.take(setup.tokens(), 1);
    this.dNormed = setup.hasGradients() ? loader.takeStates(setup.tokens(), linear.inputs()) : null;
  }

  /** What is computed of a batch. */
  record Call(TokenBatch batch, Objective objective, float weight) {}

  TrainableLinear linear() {
    return linear;
  }

  /** The gradient of what {@link #train} read. */
  Tensor dNormed() {
    return dNormed;
  }

  /** Logits of rows begin to end - 1. */
  Tensor logits(Tensor normed, int begin, int end) {
    Tensor some = logits.slice(0, end - begin);
    linear.forward(normed.slice(begin, end), some);
    return some;
  }

  /** Losses of all tokens, [tokens, 1], until the next batch. */
  Tensor evaluate(Call call, Tensor normed) {
    for (int begin = 0; begin < normed.rows(); begin += rows) {
      losses(call, normed, begin);
    }
    return losses.slice(0, normed.rows());
  }

  private Tensor losses(Call call, Tensor normed, int begin) {
    int end = Math.min(normed.rows(), begin + rows);
    Tensor some = logits(normed, begin, end);
    call.objective()
        .losses(
            new Objective.Rows(call.batch(), begin, end),
            some,
            call.weight(),
            losses.slice(begin, end));
    return some;
  }

  /** As {@link #evaluate}; adds the head's gradients, and leaves that of {@code normed}. */
  Tensor train(Call call, Tensor normed) {
    for (int begin = 0; begin < normed.rows(); begin += rows) {
      Tensor gradient = losses(call, normed, begin);
      int end = begin + gradient.rows();
      linear.backward(gradient, normed.slice(begin, end), dNormed.slice(begin, end));
    }
    return losses.slice(0, normed.rows());
  }
}
