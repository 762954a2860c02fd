package org.sparkao.jobs.sweep.run;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Probabilities of several tests at once (Holm, A simple sequentially rejective multiple test
 * procedure, 1979): where nothing differs at all, the least of them is below a level with at most
 * that probability.
 */
final class Holm {
  private Holm() {}

  /** The adjusted probabilities, in the order of the given ones. */
  static double[] adjusted(double[] probabilities) {
    List<Integer> upwards =
        IntStream.range(0, probabilities.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> probabilities[i]))
            .toList();
    double[] adjusted = new double[probabilities.length];
    double largest = 0;
    for (int rank = 0; rank < upwards.size(); rank++) {
      int i = upwards.get(rank);
      largest = Math.max(largest, (probabilities.length - rank) * probabilities[i]);
      adjusted[i] = Math.min(1, largest);
    }
    return adjusted;
  }
}
