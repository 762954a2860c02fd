package org.sparkao.quant.algorithm;

/**
 * What a loader makes of weights under a scale, without their codes. One instance serves one
 * thread. All implementations give the same numbers.
 */
interface GroupDequantizer {

  /** Fills {@code out[0, count)} for the finite weights {@code weights[begin, begin + count)}. */
  void dequantize(float[] weights, int begin, int count, GroupScale scale, float[] out);
}
