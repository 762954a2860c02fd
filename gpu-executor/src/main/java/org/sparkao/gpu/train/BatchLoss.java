package org.sparkao.gpu.train;

/**
 * The loss of a batch.
 *
 * @param sum of its tokens' losses
 * @param count of tokens with a loss
 */
public record BatchLoss(double sum, long count) {
  /** Of nothing. */
  public static final BatchLoss ZERO = new BatchLoss(0, 0);

  /** The mean. */
  public double mean() {
    return sum / count;
  }

  /** Of both. */
  public BatchLoss plus(BatchLoss other) {
    return new BatchLoss(sum + other.sum, count + other.count);
  }

  /** Adds losses in fp64, in their order. */
  static BatchLoss of(float[] losses, long count) {
    double sum = 0;
    for (float loss : losses) {
      sum += loss;
    }
    return new BatchLoss(sum, count);
  }
}
