package org.sparkao.quant.algorithm;

/** How a weight and the operand of its scale become the number that is rounded to a code. */
enum Quotient {
  /** Divided, and rounded to the type of the weight. */
  DIVIDE_IN_WEIGHT_TYPE,
  /** Divided in fp32. */
  DIVIDE,
  /** Multiplied in fp32. */
  MULTIPLY
}
