package org.sparkao.jobs.bench;

import java.util.Locale;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Int4Operands;
import org.sparkao.gpu.gemm.Operands;
import org.sparkao.gpu.gemm.Scaling;

/** Operands that {@code bench gemm} multiplies. */
enum GemmType {
  /** e4m3 x e4m3. */
  E4M3,
  /** e5m2 activations, e4m3 weights. */
  E5M2,
  /** int8 x int8. */
  INT8,
  /** bf16 x bf16, without scales. */
  BF16,
  /** bf16 activations, int4 weights (W4A16). */
  INT4,
  /** fp16 activations, int4 weights. */
  INT4_FP16,
  /** e4m3 activations, int4 weights (W4AFP8). */
  INT4_E4M3;

  /** The name on the command line. */
  String configName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The operands.
   *
   * @param scaling of fp8 and int8
   * @param group of int4
   */
  Operands operands(Scaling scaling, int group) {
    return switch (this) {
      case E4M3 -> DenseOperands.fp8(scaling, scaling);
      case E5M2 -> new DenseOperands(ElementType.E5M2, ElementType.E4M3, scaling, scaling);
      case INT8 -> DenseOperands.int8(scaling, scaling);
      case BF16 -> DenseOperands.bf16();
      case INT4 -> int4(ElementType.BF16, group);
      case INT4_FP16 -> int4(ElementType.FP16, group);
      case INT4_E4M3 -> int4(ElementType.E4M3, group);
    };
  }

  private static Operands int4(ElementType x, int group) {
    return new Int4Operands(x, group, Int4Operands.ZeroPoints.NONE);
  }
}
