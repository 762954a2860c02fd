package org.sparkao.jobs.bench;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.model.Closing;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.Float8;
import org.sparkao.gpu.train.Float8Matrix;
import org.sparkao.gpu.train.Float8Products;
import org.sparkao.gpu.train.TrainingOperators;

/** Forward and backward of a linear layer in training, with normal numbers in everything. */
final class LinearPass implements AutoCloseable {
  /** Numbers that are written over and over. */
  private static final int PATTERN = 1 << 20;

  private final TrainingOperators operators;
  private final Shape shape;
  private final int tokens;
  private final Deque<AutoCloseable> taken = new ArrayDeque<>();
  private final Tensor x;
  private final Tensor weight;
  private final Tensor dy;
  private final Tensor y;
  private final Tensor dx;
  private final Tensor dw;
  private Runnable pass = () -> {};

  /** Of a weight [N, K]. */
  record Shape(int n, int k) {}

  LinearPass(TrainingOperators operators, Shape shape, int tokens) {
    this.operators = operators;
    this.shape = shape;
    this.tokens = tokens;
    this.x = normal(operators.allocateStates(tokens, shape.k()), 1);
    this.weight = normal(operators.allocate(shape.n(), shape.k()), 0.02);
    this.dy = normal(operators.allocateStates(tokens, shape.n()), 1e-4);
    this.y = keep(operators.allocateStates(tokens, shape.n()));
    this.dx = keep(operators.allocateStates(tokens, shape.k()));
    this.dw = keep(operators.allocate(shape.n(), shape.k()));
  }

  private <T extends AutoCloseable> T keep(T resource) {
    taken.push(resource);
    return resource;
  }

  private Tensor normal(Tensor to, double deviation) {
    Random random = new Random(taken.size());
    keep(to);
    int rows = Math.max(1, Math.min(to.rows(), PATTERN / to.columns()));
    float[] pattern = new float[rows * to.columns()];
    for (int i = 0; i < pattern.length; i++) {
      pattern[i] = (float) (deviation * random.nextGaussian());
    }
    to.slice(0, rows).write(pattern, 0);
    Buffer all = CudaTensor.of(to).buffer();
    CudaDevice device = (CudaDevice) operators.device();
    long first = all.bytes() / to.rows() * rows;
    for (long at = first; at < all.bytes(); at += first) {
      long bytes = Math.min(first, all.bytes() - at);
      device.stream().copy(all.slice(0, bytes), all.slice(at, bytes));
    }
    return to;
  }

  /** What it multiplies from now on. */
  void use(Float8 scaling) {
    if (scaling == Float8.NONE) {
      pass = this::plain;
      return;
    }
    Float8Products products = operators.float8(scaling);
    Float8Matrix codesOfX = keep(products.allocate(tokens, shape.k()));
    Float8Matrix codesOfWeight = keep(products.allocate(shape.n(), shape.k()));
    pass =
        () -> {
          products.quantize(weight, codesOfWeight);
          products.quantize(x, codesOfX);
          products.product(codesOfX, codesOfWeight, Optional.empty(), y);
          products.gradients(dy, codesOfX, codesOfWeight, Optional.of(dw), dx);
        };
  }

  private void plain() {
    operators.product(x, weight, Optional.empty(), y);
    operators.weightGradient(dy, x, dw);
    operators.inputGradient(dy, weight, dx);
  }

  void run() {
    pass.run();
  }

  /** y, dx and dw. */
  List<float[]> results() {
    return List.of(y.toFloats(), dx.toFloats(), dw.toFloats());
  }

  long operations() {
    return 6L * tokens * shape.n() * shape.k();
  }

  @Override
  public void close() {
    Closing.all(taken);
  }
}
