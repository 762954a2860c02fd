package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sparkao.gpu.device.Buffer;

/** A mixture of experts, token by token. */
final class ReferenceMixture implements ObservedMixture {
  private final Mixture mixture;
  private final ReferenceMatrix router;
  private final List<Expert> experts;
  private final Optional<ReferenceNorm> norm;
  private final Arithmetic arithmetic;

  ReferenceMixture(
      Mixture mixture, ReferenceMatrix router, List<Expert> experts, Arithmetic arithmetic) {
    this.mixture = mixture;
    this.router = router;
    this.experts = List.copyOf(experts);
    this.norm = mixture.spec().norm().map(n -> new ReferenceNorm(n, arithmetic));
    this.arithmetic = arithmetic;
  }

  /** The three matrices of an expert. */
  record Expert(ReferenceMatrix gate, ReferenceMatrix up, ReferenceMatrix down)
      implements AutoCloseable {
    double[] apply(float[] x, Arithmetic arithmetic) {
      return down.times(new float[][] {inner(x, arithmetic)})[0];
    }

    /** What down reads. */
    float[] inner(float[] x, Arithmetic arithmetic) {
      float[][] one = {x};
      double[] inner = ReferenceRows.swiglu(gate.times(one), up.times(one))[0];
      float[] rounded = new float[inner.length];
      for (int i = 0; i < inner.length; i++) {
        rounded[i] = ReferenceNumbers.round(arithmetic, inner[i]);
      }
      return rounded;
    }

    long bytes() {
      return gate.bytes() + up.bytes() + down.bytes();
    }

    @Override
    public void close() {
      gate.close();
      up.close();
      down.close();
    }
  }

  @Override
  public void run(int rows, Buffer x, Buffer y, ExpertObserver observer) {
    float[][] input = ReferenceRows.read(x, rows, router.k(), arithmetic);
    norm.ifPresent(n -> ReferenceRows.each(input, n::apply));
    double[][] sums = new double[rows][];
    List<List<float[]>> seen = new ArrayList<>();
    experts.forEach(expert -> seen.add(new ArrayList<>()));
    for (int row = 0; row < rows; row++) {
      double[] weights = probabilities(input[row]);
      int[] chosen = chosen(weights);
      sums[row] = routed(input[row], weights, chosen);
      for (int expert : chosen) {
        seen.get(expert).add(input[row]);
      }
    }
    for (int expert = 0; expert < experts.size(); expert++) {
      switch (observer.shown(expert)) {
        case ROUTED -> show(expert, seen.get(expert), observer);
        case ALL -> show(expert, List.of(input), observer);
        default -> {}
      }
    }
    ReferenceRows.add(sums, y, arithmetic);
  }

  private void show(int expert, List<float[]> rows, ExpertObserver observer) {
    if (rows.isEmpty()) {
      return;
    }
    observer.inputs(expert, flat(rows), rows.size());
    List<float[]> inner =
        rows.stream().map(row -> experts.get(expert).inner(row, arithmetic)).toList();
    observer.inner(expert, flat(inner), rows.size());
  }

  private static float[] flat(List<float[]> rows) {
    int columns = rows.get(0).length;
    float[] all = new float[rows.size() * columns];
    for (int i = 0; i < rows.size(); i++) {
      System.arraycopy(rows.get(i), 0, all, i * columns, columns);
    }
    return all;
  }

  private int[] chosen(double[] weights) {
    return IntStream.range(0, weights.length)
        .boxed()
        .sorted((a, b) -> Double.compare(weights[b], weights[a]))
        .limit(mixture.perToken())
        .mapToInt(Integer::intValue)
        .sorted()
        .toArray();
  }

  private double[] routed(float[] x, double[] weights, int[] chosen) {
    double total = 1;
    if (mixture.weighting() == Mixture.Weighting.NORMALIZED) {
      total = IntStream.of(chosen).mapToDouble(i -> weights[i]).sum();
    }
    double[] sum = new double[x.length];
    for (int index : chosen) {
      double[] part = experts.get(index).apply(x, arithmetic);
      for (int i = 0; i < sum.length; i++) {
        sum[i] += weights[index] / total * part[i];
      }
    }
    return sum;
  }

  private double[] probabilities(float[] x) {
    double[] values = router.times(new float[][] {x})[0];
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < values.length; i++) {
      values[i] = ReferenceNumbers.round(arithmetic, values[i]);
      largest = Math.max(largest, values[i]);
    }
    double total = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.exp(values[i] - largest);
      total += values[i];
    }
    for (int i = 0; i < values.length; i++) {
      values[i] /= total;
    }
    return values;
  }

  @Override
  public long bytes() {
    return router.bytes() + experts.stream().mapToLong(Expert::bytes).sum();
  }

  @Override
  public String numerics() {
    return experts.get(0).gate().numerics();
  }

  @Override
  public void close() {
    router.close();
    experts.forEach(Expert::close);
  }
}
