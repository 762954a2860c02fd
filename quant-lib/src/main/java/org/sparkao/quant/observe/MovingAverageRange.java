package org.sparkao.quant.observe;

import java.util.Objects;
import java.util.TreeMap;

/**
 * Moving average of the ranges of batches, in fp32. The average depends on the order of batches, so
 * batches have numbers and are averaged in that order, whoever saw them: parts of one batch merge
 * by their extremes, and parts of the work merge in any order. Not safe for use by several threads.
 */
public final class MovingAverageRange {
  /** The share of a new batch in llm-compressor and in torchao. */
  public static final double DEFAULT_SHARE = 0.01;

  /** How an average moves by a share c towards a new value; the two differ in the last bit. */
  public enum Rule {
    /** old * (1 - c) + new * c: {@code minmax} and {@code mse} of llm-compressor. */
    WEIGHTED_SUM {
      @Override
      float move(float old, float target, double share) {
        return old * (float) (1 - share) + target * (float) share;
      }
    },
    /** old + c * (new - old): {@code MovingAverageMinMaxObserver} of torchao. */
    STEP {
      @Override
      float move(float old, float target, double share) {
        return old + (float) share * (target - old);
      }
    };

    abstract float move(float old, float target, double share);
  }

  private final Rule rule;
  private final double share;
  private final TreeMap<Long, TensorRange> batches = new TreeMap<>();

  /** No batches yet; {@code share} is that of a new batch, above 0 and up to 1. */
  public MovingAverageRange(Rule rule, double share) {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("share " + share + " is not above 0 and up to 1");
    }
    this.rule = Objects.requireNonNull(rule, "rule");
    this.share = share;
  }

  /** Adds the range of a batch, or of a part of it. */
  public void add(long batch, TensorRange range) {
    batches.merge(batch, range, TensorRange::merge);
  }

  /** Adds what {@code other} has seen; order does not matter. */
  public void merge(MovingAverageRange other) {
    if (other.rule != rule || other.share != share) {
      throw new IllegalArgumentException(
          "averages by " + rule + " " + share + " and by " + other.rule + " " + other.share);
    }
    other.batches.forEach(this::add);
  }

  /** The average, its first value being the first batch; {@link TensorRange#EMPTY} of none. */
  public TensorRange range() {
    TensorRange average = TensorRange.EMPTY;
    for (TensorRange batch : batches.values()) {
      average =
          average == TensorRange.EMPTY
              ? batch
              : new TensorRange(
                  rule.move(average.min(), batch.min(), share),
                  rule.move(average.max(), batch.max(), share));
    }
    return average;
  }
}
