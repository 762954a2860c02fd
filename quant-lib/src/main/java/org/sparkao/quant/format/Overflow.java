package org.sparkao.quant.format;

/** What becomes of a value that rounds to more than the largest finite number of a format. */
public enum Overflow {
  /**
   * The largest finite number, for infinities too: "clamp, then cast" of compressed-tensors and
   * torchao, and PyTorch's own cast to e4m3fn since 2.13.
   */
  SATURATE,
  /**
   * Infinity where the format has one, else NaN where it has one, else the largest number: IEEE
   * 754, and ml_dtypes.
   */
  SPECIAL
}
