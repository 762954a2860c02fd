package org.sparkao.jobs.compare;

import org.apache.commons.math3.distribution.ChiSquaredDistribution;
import org.apache.commons.math3.stat.inference.AlternativeHypothesis;
import org.apache.commons.math3.stat.inference.BinomialTest;

/**
 * McNemar's test (1947) of two answerers on the same items: whether flips go one way more often
 * than chance would have them.
 *
 * @param lost items that were right and are wrong
 * @param won items that were wrong and are right
 */
record McNemar(long lost, long won) {
  /** Below it the binomial distribution, from it on chi-square with Edwards' continuity of 1. */
  private static final long EXACT_BELOW = 25;

  /** Two-sided probability of flips at least this uneven; 1 when there are none. */
  double probability() {
    long flips = lost + won;
    if (lost == won) {
      return 1;
    }
    if (flips < EXACT_BELOW) {
      return new BinomialTest()
          .binomialTest((int) flips, (int) won, 0.5, AlternativeHypothesis.TWO_SIDED);
    }
    double distance = Math.abs(lost - won) - 1.0;
    return 1 - new ChiSquaredDistribution(1).cumulativeProbability(distance * distance / flips);
  }

  /** Which of the two was taken. */
  String method() {
    return lost + won < EXACT_BELOW ? "exact" : "chi-square";
  }
}
