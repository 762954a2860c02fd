package org.sparkao.quant.algorithm;

import org.sparkao.quant.algorithm.WeightGrid.GridScales;
import org.sparkao.quant.algorithm.WeightGrid.Rounded;

/**
 * Rounds fp32 numbers that lie row below row, each under the scale of its row. As llm-compressor
 * rounds inside GPTQ: positions are weight / scale + zero point in fp32, clamped, then rounded;
 * what a code stands for is rounded to the type of the weight. All implementations give the same
 * bits.
 */
interface ColumnRounding {

  /**
   * Rounds {@code count} numbers from {@code weights[0]} on; up to the next multiple of 8 is read
   * and written.
   *
   * @param first index of the scale of the first number
   * @return how many positions were beyond the codes
   */
  long round(float[] weights, int count, GridScales scales, int first, Rounded out);
}
