package org.sparkao.quant.algorithm;

/** The range that the scale of a group is computed from, found from the values of the group. */
interface RangeSearch {

  /**
   * Narrows {@code found}, which comes as the range of all values.
   *
   * @param values finite values of the group, from 0
   * @param count how many, at least one
   */
  void search(float[] values, int count, GroupRange found);
}
