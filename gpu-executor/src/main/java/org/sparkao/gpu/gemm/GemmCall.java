package org.sparkao.gpu.gemm;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/**
 * The rows of one product. Addresses are multiples of 16, those of scales of 4.
 *
 * @param m rows of X and Y
 * @param x [M, K], K contiguous
 * @param scalesOfX fp32 as the operands' {@link Scaling} says, empty for NONE
 * @param residual with {@link Gemm.Step#RESIDUAL}: like Y, may be Y
 * @param y [M, columns], columns contiguous
 */
public record GemmCall(
    int m, Buffer x, Optional<Buffer> scalesOfX, Optional<Buffer> residual, Buffer y) {

  /** Rows without scales. */
  public static GemmCall of(int m, Buffer x, Buffer y) {
    return new GemmCall(m, x, Optional.empty(), Optional.empty(), y);
  }

  /** Rows with scales. */
  public static GemmCall of(int m, Buffer x, Buffer scalesOfX, Buffer y) {
    return new GemmCall(m, x, Optional.of(scalesOfX), Optional.empty(), y);
  }

  /** The same with something to add. */
  public GemmCall plus(Buffer added) {
    return new GemmCall(m, x, scalesOfX, Optional.of(added), y);
  }
}
