package org.sparkao.gpu.gemm;

import org.sparkao.gpu.GpuErrors;

/**
 * int4 weights (q - z) s of compressed-tensors' {@code pack-quantized}: codes int32 [N, K / 8],
 * each q + 8 in 4 bits, the first lowest; scales [N, K / group] or [N, 1], fp16 when X is, else
 * bf16; zero points int32 [ceil(N / 8), K / group] or [ceil(N / 8), 1], each z + 8 in 4 bits.
 *
 * @param x BF16 or FP16 without scales (W4A16), or E4M3 with a scale a row (W4AFP8)
 * @param group columns that share a scale: 32, 64, 128, or {@link #ROW}
 * @param zeroPoints whether z is given; not with E4M3
 */
public record Int4Operands(ElementType x, int group, ZeroPoints zeroPoints) implements Operands {
  /** The group that is a whole row. */
  public static final int ROW = 0;

  /** Whether codes have a zero point a group. */
  public enum ZeroPoints {
    /** z = 0. */
    NONE,
    /** One a group. */
    GIVEN
  }

  /** Checks that there are kernels for them. */
  public Int4Operands {
    boolean wide = x == ElementType.BF16 || x == ElementType.FP16;
    boolean fp8 = x == ElementType.E4M3 && zeroPoints == ZeroPoints.NONE;
    boolean known = group == ROW || group == 32 || group == 64 || group == 128;
    if (!known || !wide && !fp8) {
      throw new IllegalArgumentException(
          GpuErrors.noInt4Gemm(x.name(), group, zeroPoints == ZeroPoints.GIVEN));
    }
  }

  @Override
  public Scaling scalingOfX() {
    return x == ElementType.E4M3 ? Scaling.ROW : Scaling.NONE;
  }

  /** Elements of scales. */
  ElementType scaleType() {
    return x == ElementType.FP16 ? ElementType.FP16 : ElementType.BF16;
  }

  boolean asymmetric() {
    return zeroPoints == ZeroPoints.GIVEN;
  }

  /** Scales of a row. */
  int groups(int k) {
    return group == ROW ? 1 : k / group;
  }

  @Override
  public String label() {
    return x.kernelName()
        + " x int4, "
        + (group == ROW ? "a scale a row" : "groups of " + group)
        + (asymmetric() ? ", zero points" : "");
  }
}
