package org.sparkao.gpu.gemm;

import java.util.Locale;

/**
 * The families of {@code gemm_portable/stage.cuh}. A row of X has the same bits in both decode
 * families.
 */
enum PortableFamily {
  DECODE16(16, 32),
  DECODE64(64, 32),
  PREFILL(128, 128);

  private static final int EIGHT_WARPS = 256;

  private final int rowsOfX;
  private final int rowsOfW;

  PortableFamily(int rowsOfX, int rowsOfW) {
    this.rowsOfX = rowsOfX;
    this.rowsOfW = rowsOfW;
  }

  /** The decode family for so many rows of X. */
  static PortableFamily decode(int m) {
    return m <= DECODE16.rowsOfX ? DECODE16 : DECODE64;
  }

  /** Rows of X of a block. */
  int rowsOfX() {
    return rowsOfX;
  }

  /** Rows of W of a block. */
  int rowsOfW() {
    return rowsOfW;
  }

  /** Threads of a block: half as many where each warp converts all of X. */
  int threads(Operands operands) {
    boolean int4 = operands instanceof Int4Operands;
    boolean narrow =
        this == DECODE16 && operands.x().fp8() || this == DECODE64 && (operands.x().fp8() || int4);
    return narrow ? EIGHT_WARPS / 2 : EIGHT_WARPS;
  }

  String kernelName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
