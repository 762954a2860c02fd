package org.sparkao.gpu.model.cuda;

/** What becomes of the rows that meet a weight. */
enum Inputs {
  /** They stay bf16. */
  BF16,
  /** The numbers of their codes, as {@link InputRule} says, in bf16. */
  NUMBERS,
  /** e4m3, a scale a row. */
  E4M3_ROWS,
  /** e4m3, a scale for 128 neighbours. */
  E4M3_GROUPS,
  /** e4m3 under the scale that the checkpoint gives. */
  E4M3_STATIC,
  /** int8, a scale a row. */
  INT8_ROWS,
  /** int8 codes, a scale a row, multiplied as bf16: exact, and the sum is scaled behind. */
  INT8_AS_BF16;

  /** Whether the product is given codes and their scales. */
  boolean areCodes() {
    return this != BF16 && this != NUMBERS;
  }
}
