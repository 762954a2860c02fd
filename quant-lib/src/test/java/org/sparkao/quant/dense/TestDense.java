package org.sparkao.quant.dense;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products and factors against fp64 by their definitions, and the loops against each other. */
class TestDense {
  static List<TileKernel> kernels() {
    return List.of(new PlainTile(), new VectorTile());
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void gramOfOddShapes(TileKernel kernel) {
    for (int k : new int[] {1, 15, 16, 33, 70}) {
      int rows = 300;
      float[] x = random(rows * k, k);
      float[] gram = new float[k * k];
      GramProduct product = new GramProduct(k, kernel);
      product.add(x, 0, rows, gram, GramProduct.Pieces.IN_ORDER);
      product.mirror(gram, GramProduct.Pieces.IN_ORDER);
      for (int i = 0; i < k; i++) {
        for (int j = 0; j < k; j++) {
          double expected = 0;
          for (int t = 0; t < rows; t++) {
            expected += (double) x[t * k + i] * x[t * k + j];
          }
          assertThat((double) gram[i * k + j]).as("%d %d", i, j).isCloseTo(expected, within(2e-4));
        }
      }
    }
  }

  @Test
  void gramDoesNotDependOnCutsThreadsOrLoops() {
    int k = 50;
    int rows = 777;
    float[] x = random(rows * k, 3);
    float[] whole = new float[k * k];
    GramProduct plain = new GramProduct(k, new PlainTile());
    plain.add(x, 0, rows, whole, GramProduct.Pieces.IN_ORDER);
    plain.mirror(whole, GramProduct.Pieces.IN_ORDER);
    float[] cut = new float[k * k];
    GramProduct product = new GramProduct(k, new VectorTile());
    for (int begin = 0; begin < rows; begin += 100) {
      product.add(
          x,
          begin * k,
          Math.min(100, rows - begin),
          cut,
          (count, piece) -> IntStream.range(0, count).parallel().forEach(piece));
    }
    product.mirror(cut, (count, piece) -> IntStream.range(0, count).parallel().forEach(piece));
    assertThat(cut).isEqualTo(whole);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 100, 128, 129, 300})
  void factorOfTheInverse(int k) {
    float[] h = positive(k);
    InverseFactor u = InverseFactor.of(k, (i, j) -> h[i * k + j]).orElseThrow();
    // H U^T U = 1.
    double[] inverse = new double[k * k];
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        for (int p = 0; p <= Math.min(i, j); p++) {
          inverse[i * k + j] += (double) u.at(p, i) * u.at(p, j);
        }
      }
    }
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        double product = 0;
        for (int p = 0; p < k; p++) {
          product += h[Math.min(i, p) * k + Math.max(i, p)] * inverse[p * k + j];
        }
        assertThat(product).as("%d %d", i, j).isCloseTo(i == j ? 1 : 0, within(2e-4));
        assertThat(i <= j || u.at(i, j) == 0).isTrue();
      }
    }
  }

  @Test
  void factorIsTheSameByAllLoops() {
    int k = 430;
    float[] h = positive(k);
    InverseFactor shared =
        InverseFactor.of(
                k,
                (i, j) -> h[i * k + j],
                (count, piece) -> IntStream.range(0, count).parallel().forEach(piece))
            .get();
    InverseFactor plain = InverseFactor.of(k, (i, j) -> h[i * k + j], new PlainTile()).get();
    InverseFactor vector = InverseFactor.of(k, (i, j) -> h[i * k + j], new VectorTile()).get();
    for (int i = 0; i < k; i++) {
      for (int j = i; j < k; j++) {
        assertThat(vector.at(i, j)).isEqualTo(plain.at(i, j));
        assertThat(shared.at(i, j)).isEqualTo(plain.at(i, j));
      }
    }
  }

  @Test
  void noFactorOfWhatIsNotPositiveDefinite() {
    Optional<InverseFactor> negative = InverseFactor.of(40, (i, j) -> i == j ? i - 20 : 0);
    Optional<InverseFactor> unknown = InverseFactor.of(40, (i, j) -> i == j ? 1 : Float.NaN);
    Optional<InverseFactor> infinite =
        InverseFactor.of(40, (i, j) -> i == j ? Float.POSITIVE_INFINITY : 0);
    assertThat(List.of(negative, unknown, infinite)).allMatch(Optional::isEmpty);
  }

  /** X^T X / n + 0.1 of normal numbers. */
  private static float[] positive(int k) {
    int rows = 2 * k + 3;
    float[] x = random(rows * k, 5);
    float[] h = new float[k * k];
    GramProduct product = new GramProduct(k);
    product.add(x, 0, rows, h, GramProduct.Pieces.IN_ORDER);
    product.mirror(h, GramProduct.Pieces.IN_ORDER);
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        h[i * k + j] = h[i * k + j] / rows + (i == j ? 0.1f : 0);
      }
    }
    return h;
  }

  private static float[] random(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
