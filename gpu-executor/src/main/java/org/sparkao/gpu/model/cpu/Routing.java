package org.sparkao.gpu.model.cpu;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.sparkao.gpu.model.Mixture;

/** Which experts a token goes to, and with which weights. */
record Routing(int perToken, Mixture.Weighting weighting) {
  /** Of experts that a token does not go to. */
  private static final float NOT_CHOSEN = Float.NEGATIVE_INFINITY;

  /** Makes weights of the router's scores [rows, experts], in place. */
  void weights(float[] scores, int rows, int experts) {
    for (int row = 0; row < rows; row++) {
      float[] weights = weights(Arrays.copyOfRange(scores, row * experts, (row + 1) * experts));
      System.arraycopy(weights, 0, scores, row * experts, experts);
    }
  }

  private float[] weights(float[] scores) {
    double[] probabilities = softmax(scores);
    int[] best =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted((a, b) -> Double.compare(probabilities[b], probabilities[a]))
            .limit(perToken)
            .mapToInt(Integer::intValue)
            .sorted()
            .toArray();
    double total = 1;
    if (weighting == Mixture.Weighting.NORMALIZED) {
      total = IntStream.of(best).mapToDouble(i -> probabilities[i]).sum();
    }
    float[] weights = new float[scores.length];
    Arrays.fill(weights, NOT_CHOSEN);
    for (int index : best) {
      weights[index] = (float) (probabilities[index] / total);
    }
    return weights;
  }

  private static double[] softmax(float[] scores) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float score : scores) {
      largest = Math.max(largest, score);
    }
    double[] probabilities = new double[scores.length];
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      probabilities[i] = Math.exp(scores[i] - largest);
      sum += probabilities[i];
    }
    for (int i = 0; i < scores.length; i++) {
      probabilities[i] /= sum;
    }
    return probabilities;
  }

  /** The rows that go to an expert, ascending. */
  static int[] rowsOf(int expert, float[] weights, int rows, int experts) {
    return IntStream.range(0, rows)
        .filter(row -> weights[row * experts + expert] != NOT_CHOSEN)
        .toArray();
  }
}
