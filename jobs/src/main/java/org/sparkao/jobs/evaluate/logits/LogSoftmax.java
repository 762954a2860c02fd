package org.sparkao.jobs.evaluate.logits;

/** Logits to logarithms of probabilities. */
final class LogSoftmax {
  private LogSoftmax() {}

  /**
   * Natural logarithms of the softmax: the sum in double, in order; each result rounded to float
   * once.
   *
   * @param logits [vocabulary]
   * @param into [vocabulary]; may be the same array
   */
  static void of(float[] logits, float[] into) {
    float most = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - most);
    }
    double normalizer = most + Math.log(sum);
    for (int i = 0; i < logits.length; i++) {
      into[i] = (float) (logits[i] - normalizer);
    }
  }
}
