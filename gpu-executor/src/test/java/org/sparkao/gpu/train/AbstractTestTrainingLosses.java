package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.TrainingOperators.Distilling;
import org.sparkao.gpu.train.TrainingOperators.Relative;

/** Losses on any device against their definitions in fp64, gradients against differences. */
abstract class AbstractTestTrainingLosses {
  private final Random random = new Random(1);
  private TrainingOperators operators;

  abstract TrainingOperators open();

  /** How far a result may be off, where the largest is 1. */
  abstract double tolerance();

  /** Sizes that the device takes are multiples of this. */
  abstract int step();

  @BeforeEach
  void begin() {
    operators = open();
  }

  @AfterEach
  void end() {
    operators.close();
    operators.device().close();
  }

  TrainingOperators operators() {
    return operators;
  }

  Random random() {
    return random;
  }

  double[] numbers(int count) {
    double[] values = new double[count];
    Arrays.setAll(values, i -> (float) random.nextGaussian());
    return values;
  }

  /** A weight, a gradient of one, or sums. */
  Tensor put(int rows, double[] values) {
    return written(operators.allocate(rows, values.length / rows), values);
  }

  /** What goes from operator to operator. */
  Tensor state(int rows, double[] values) {
    return written(operators.allocateStates(rows, values.length / rows), values);
  }

  private static Tensor written(Tensor tensor, double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    tensor.write(floats, 0);
    return tensor;
  }

  void assertClose(String what, Tensor found, double[] expected) {
    float[] all = found.toFloats();
    assertThat(all).as(what).hasSize(expected.length);
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    double error = 0;
    for (int i = 0; i < all.length; i++) {
      // NaN stays the largest.
      error = Math.max(error, Math.abs(all[i] - expected[i]) / largest);
    }
    assertThat(error).as(what).isLessThan(tolerance());
  }

  /** Differences of dy . function(x). */
  static double[] gradient(UnaryOperator<double[]> function, double[] x, double[] dy) {
    return InDoubles.gradient(point -> InDoubles.dot(function.apply(point), dy), x);
  }

  @Test
  void crossEntropy() {
    int columns = 3 * step() + 1;
    double[] logits = Arrays.stream(numbers(6 * columns)).map(x -> 8 * x).toArray();
    int[] targets = {0, columns - 1, TokenBatch.NO_TARGET, 3, 3, 1};
    Tensor gradient = state(6, logits);
    Tensor losses = put(6, numbers(6));
    operators.crossEntropy(gradient, targets, 0.25f, losses);
    assertClose("losses", losses, InDoubles.crossEntropy(logits, targets));
    double[] weights = InDoubles.equal(6, 0.25);
    assertClose(
        "dlogits", gradient, gradient(p -> InDoubles.crossEntropy(p, targets), logits, weights));
  }

  @ParameterizedTest
  @ValueSource(floats = {1, 3})
  void divergence(float temperature) {
    int columns = 3 * step() + 1;
    double[] logits = Arrays.stream(numbers(6 * columns)).map(x -> 8 * x).toArray();
    double[] teacher = Arrays.stream(numbers(6 * columns)).map(x -> 8 * x).toArray();
    Tensor gradient = state(6, logits);
    Tensor losses = put(6, numbers(6));
    Distilling distilling = new Distilling(temperature, 0, 0.25f);
    operators.divergence(gradient, state(6, teacher), new int[6], distilling, losses);
    UnaryOperator<double[]> function = p -> InDoubles.divergence(p, teacher, columns, temperature);
    assertClose("losses", losses, function.apply(logits));
    assertClose("dlogits", gradient, gradient(function, logits, InDoubles.equal(6, 0.25)));
  }

  /** The sum of both, each alone where the other has nothing to say. */
  @ParameterizedTest
  @ValueSource(floats = {1, 3})
  void divergenceWithLabels(float temperature) {
    int columns = 3 * step() + 1;
    double[] logits = Arrays.stream(numbers(6 * columns)).map(x -> 8 * x).toArray();
    double[] teacher = Arrays.stream(numbers(6 * columns)).map(x -> 8 * x).toArray();
    int[] targets = {0, columns - 1, TokenBatch.NO_TARGET, 3, 3, 1};
    Tensor gradient = state(6, logits);
    Tensor losses = put(6, numbers(6));
    Distilling distilling = new Distilling(temperature, 0.5f, 0.25f);
    operators.divergence(gradient, state(6, teacher), targets, distilling, losses);
    UnaryOperator<double[]> function =
        p -> {
          double[] sums = InDoubles.divergence(p, teacher, columns, temperature);
          double[] labels = InDoubles.crossEntropy(p, targets);
          Arrays.setAll(sums, i -> sums[i] + 0.5 * labels[i]);
          return sums;
        };
    assertClose("losses", losses, function.apply(logits));
    assertClose("dlogits", gradient, gradient(function, logits, InDoubles.equal(6, 0.25)));
  }

  /** Of equal distributions nothing is left but rounding. */
  @Test
  void divergenceOfItself() {
    int columns = 3 * step() + 1;
    double[] logits = numbers(6 * columns);
    Tensor gradient = state(6, logits);
    Tensor losses = put(6, numbers(6));
    operators.divergence(gradient, state(6, logits), new int[6], new Distilling(1, 0, 1), losses);
    for (float loss : losses.toFloats()) {
      assertThat(Math.abs(loss)).isLessThan(1e-6f);
    }
    for (float one : gradient.toFloats()) {
      assertThat(Math.abs(one)).isLessThan(1e-6f);
    }
  }

  /** Rows of any size count alike; one whose target is 0 has no loss and no gradient. */
  @Test
  void relativeError() {
    int columns = 5 * step();
    double[] y = numbers(9 * columns);
    double[] target = numbers(9 * columns);
    Arrays.fill(target, 2 * columns, 3 * columns, 0);
    for (int i = 4 * columns; i < 5 * columns; i++) {
      y[i] *= 1024;
      target[i] *= 1024;
    }
    double[] before = numbers(9);
    Tensor gradient = state(9, y);
    Tensor losses = put(9, before);
    operators.relativeError(gradient, state(9, target), new Relative(3, 0.5f), losses);
    double[] expected = new double[y.length];
    for (int row = 0; row < 9; row++) {
      double squares = 0;
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        squares += target[i] * target[i];
      }
      for (int i = row * columns; i < (row + 1) * columns && squares > 0; i++) {
        before[row] += 3 * (y[i] - target[i]) * (y[i] - target[i]) / squares;
        expected[i] = 3 * (y[i] - target[i]) / squares;
      }
    }
    assertClose("losses", losses, before);
    // The large row's gradient is small: compared at the size of others'.
    float[] given = gradient.toFloats();
    float[] compared = given.clone();
    for (int i = 4 * columns; i < 5 * columns; i++) {
      compared[i] *= 1024;
      expected[i] *= 1024;
    }
    assertClose("dy", state(9, InDoubles.of(compared)), expected);
  }
}
