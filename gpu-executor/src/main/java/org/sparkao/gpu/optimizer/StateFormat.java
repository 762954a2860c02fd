package org.sparkao.gpu.optimizer;

/**
 * How the two moments of AdamW are stored. All but {@link #FP32} have one fp32 scale a block of
 * consecutive elements, its largest magnitude (for {@link #FP8} that over 448).
 *
 * <p>Source: Dettmers et al. 2022, 8-bit Optimizers via Block-wise Quantization; Li et al. 2023,
 * Memory Efficient Optimizers with 4-bit States; torchao {@code optim/subclass_*.py}.
 */
public enum StateFormat {
  /** The numbers themselves. */
  FP32("fp32", 32, 1),
  /** Codes of a dynamic-exponent map of 256 values, blocks of 256. */
  INT8("8bit", 8, 256),
  /** Codes of maps of 16 values, two a byte, the even element in the high half; blocks of 128. */
  INT4("4bit", 4, 128),
  /** e4m3, blocks of 256. */
  FP8("fp8", 8, 256);

  /** Shorter tensors stay in fp32: norms and biases. */
  private static final long FEWEST_ELEMENTS = 4096;

  private final String configName;
  private final int bits;
  private final int block;

  StateFormat(String configName, int bits, int block) {
    this.configName = configName;
    this.bits = bits;
    this.block = block;
  }

  /** The name on the command line and in files. */
  public String configName() {
    return configName;
  }

  /** Consecutive elements that share a scale. */
  public int block() {
    return block;
  }

  /**
   * What a tensor of {@code elements} is kept in under this choice: this format, or fp32 where it
   * has fewer than 4,096 elements or ends in the middle of a block (torchao {@code optim/adam.py}).
   */
  public StateFormat of(long elements) {
    return elements >= FEWEST_ELEMENTS && elements % block == 0 ? this : FP32;
  }

  /** Bytes of the codes of {@code elements}. */
  long codeBytes(long elements) {
    return Math.multiplyExact(elements, bits) / Byte.SIZE;
  }

  /** Bytes of their scales, 0 for fp32. */
  long scaleBytes(long elements) {
    return this == FP32 ? 0 : elements / block * Float.BYTES;
  }

  /**
   * Bytes of both moments of a tensor of {@code elements} under this choice: what planning counts.
   */
  public long stateBytes(long elements) {
    StateFormat format = of(elements);
    return 2 * (format.codeBytes(elements) + format.scaleBytes(elements));
  }
}
