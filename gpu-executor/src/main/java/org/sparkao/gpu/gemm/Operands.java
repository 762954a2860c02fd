package org.sparkao.gpu.gemm;

/** What X and W are made of. */
public sealed interface Operands permits DenseOperands, Int4Operands {
  /** Elements of X. */
  ElementType x();

  /** Scales of X. */
  Scaling scalingOfX();

  /** As messages and records name it. */
  String label();
}
