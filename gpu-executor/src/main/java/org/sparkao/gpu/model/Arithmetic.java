package org.sparkao.gpu.model;

/** What hidden states are stored as between operators; sums are fp32 either way. */
public enum Arithmetic {
  /** Four bytes: nothing is rounded between operators. */
  FP32,
  /** Two bytes: every operator rounds its result once, to nearest even. */
  BF16;

  /** Bytes of a number. */
  public int bytes() {
    return this == FP32 ? Float.BYTES : Short.BYTES;
  }
}
