package org.sparkao.quant.observe;

/**
 * Smallest and largest finite value of a tensor, of the fused siblings that share its scale too.
 * NaN and infinities are left out, so that one broken weight does not spoil the scale of the
 * others.
 *
 * @param min smallest finite value
 * @param max largest finite value
 */
public record TensorRange(float min, float max) {

  /** The range of no values: the neutral element of {@link #merge}. */
  public static final TensorRange EMPTY =
      new TensorRange(Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);

  /** The range of both together; order does not matter. */
  public TensorRange merge(TensorRange other) {
    return new TensorRange(Math.min(min, other.min), Math.max(max, other.max));
  }

  /** Largest magnitude, 0 when there were no values. */
  public float amax() {
    return min > max ? 0 : Math.max(Math.abs(min), Math.abs(max));
  }
}
