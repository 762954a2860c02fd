package org.sparkao.quant.observe;

/**
 * Smallest and largest value of a tensor, of the fused siblings that share its scale too.
 *
 * @param min smallest value, NaN when a value was NaN
 * @param max largest value, NaN when a value was NaN
 */
public record TensorRange(float min, float max) {

  /** The range of no values: the neutral element of {@link #merge}. */
  public static final TensorRange EMPTY =
      new TensorRange(Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);

  /** The range of both together; order does not matter. */
  public TensorRange merge(TensorRange other) {
    return new TensorRange(Math.min(min, other.min), Math.max(max, other.max));
  }

  /** Largest magnitude. */
  public float amax() {
    return Math.max(Math.abs(min), Math.abs(max));
  }
}
