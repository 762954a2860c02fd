package org.sparkao.quant.algorithm;

/**
 * The inner loops of quantization over consecutive elements of one row. One instance a tensor and a
 * thread. All implementations give the same bytes and the same sums.
 */
interface GroupKernel {

  /** Chooses the codes of a group and adds their errors to {@code sums}. */
  void quantize(GroupSlice group, GroupScale scale, ErrorSums sums);
}
