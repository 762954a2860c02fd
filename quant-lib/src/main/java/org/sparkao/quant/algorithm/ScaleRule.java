package org.sparkao.quant.algorithm;

/** From the range of a group to its scale. */
interface ScaleRule {

  /** Fills {@code scale} for a group whose finite weights span [min, max]; an empty range is 0. */
  void choose(float min, float max, GroupScale scale);

  /** How the weight meets the scale. */
  Quotient quotient();

  /** The fp32 divisor of the tensor, over the scales of groups; 1 where there is none. */
  default float global() {
    return 1;
  }
}
