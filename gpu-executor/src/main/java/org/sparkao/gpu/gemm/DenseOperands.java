package org.sparkao.gpu.gemm;

import org.sparkao.gpu.GpuErrors;

/**
 * X and W with an element a weight: e4m3 x e4m3, e5m2 x e4m3, int8 x int8, bf16 x bf16.
 *
 * @param x elements of X
 * @param w elements of W
 * @param scalingOfX scales of X
 * @param scalingOfW scales of W; BLOCK goes with BLOCK of X
 */
public record DenseOperands(ElementType x, ElementType w, Scaling scalingOfX, Scaling scalingOfW)
    implements Operands {
  /** Checks that there are kernels for them. */
  public DenseOperands {
    boolean fp8 = x.fp8() && w == ElementType.E4M3;
    boolean bf16 = x == ElementType.BF16 && w == ElementType.BF16;
    if (!fp8 && !bf16 && !(x == ElementType.INT8 && w == ElementType.INT8)) {
      throw new IllegalArgumentException(GpuErrors.noGemmOfTypes(x.name(), w.name()));
    }
    boolean blocks = scalingOfX == Scaling.BLOCK || scalingOfW == Scaling.BLOCK;
    if (blocks && (!fp8 || scalingOfX != scalingOfW)
        || bf16 && (scalingOfX != Scaling.NONE || scalingOfW != Scaling.NONE)) {
      throw new IllegalArgumentException(
          GpuErrors.noGemmOfScales(x.name(), scalingOfX.name(), scalingOfW.name()));
    }
  }

  /** e4m3 x e4m3. */
  public static DenseOperands fp8(Scaling scalingOfX, Scaling scalingOfW) {
    return new DenseOperands(ElementType.E4M3, ElementType.E4M3, scalingOfX, scalingOfW);
  }

  /** int8 x int8. */
  public static DenseOperands int8(Scaling scalingOfX, Scaling scalingOfW) {
    return new DenseOperands(ElementType.INT8, ElementType.INT8, scalingOfX, scalingOfW);
  }

  /** bf16 x bf16. */
  public static DenseOperands bf16() {
    return new DenseOperands(ElementType.BF16, ElementType.BF16, Scaling.NONE, Scaling.NONE);
  }

  /** Whether scales are those of blocks. */
  boolean blockScales() {
    return scalingOfW == Scaling.BLOCK;
  }

  @Override
  public String label() {
    return x.kernelName() + " x " + w.kernelName() + ", scales " + scalingOfX + " x " + scalingOfW;
  }
}
