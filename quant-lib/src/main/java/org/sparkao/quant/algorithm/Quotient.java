package org.sparkao.quant.algorithm;

/** How a weight and the operand of its scale become the number that is rounded to a code. */
enum Quotient {
  /** Divided, and rounded to the type of the weight. */
  DIVIDE_IN_WEIGHT_TYPE,
  /** Divided in fp32; a negative zero becomes positive. */
  DIVIDE,
  /** Divided in fp32 (fp8 of torchao). */
  DIVIDE_KEEPING_SIGN,
  /** Multiplied in fp32. */
  MULTIPLY,
  /** Multiplied in fp32 and rounded to an integer; only then the zero point is added (torchao). */
  MULTIPLY_AND_ROUND,
  /** The same, the product being rounded to the type of the weight. */
  MULTIPLY_AND_ROUND_IN_WEIGHT_TYPE
}
