package org.sparkao.quant.algorithm;

/** From the range of a group to its scale. */
interface ScaleRule {

  /** Fills {@code scale} for a group whose finite weights span [min, max]; an empty range is 0. */
  void choose(float min, float max, GroupScale scale);

  /**
   * The same for a group by its place, which only scales that are given depend on.
   *
   * @param row of the matrix, the first of the group
   * @param group counted along the row
   */
  default void chooseAt(long row, int group, GroupRange range, GroupScale scale) {
    choose(range.min, range.max, scale);
  }

  /** How the weight meets the scale. */
  Quotient quotient();

  /** The fp32 divisor of the tensor, over the scales of groups; 1 where there is none. */
  default float global() {
    return 1;
  }
}
