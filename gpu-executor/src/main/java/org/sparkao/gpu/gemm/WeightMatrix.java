package org.sparkao.gpu.gemm;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/**
 * A weight as a checkpoint holds it, in memory of the device. It is read while weights are prepared
 * and stays the caller's.
 *
 * @param codes [N, K] elements, K contiguous, or int4 codes as {@link Int4Operands} says; with
 *     {@link Gemm.Step#SILU_GATE} gate and up are a matrix of N / 2 rows each
 * @param scales fp32 as {@link Scaling} says, or those of int4 groups
 * @param zeroPoints int4 only
 * @param bias fp32, one a row of the matrix
 */
public record WeightMatrix(
    Buffer codes, Optional<Buffer> scales, Optional<Buffer> zeroPoints, Optional<Buffer> bias) {

  /** Without scales. */
  public static WeightMatrix of(Buffer codes) {
    return new WeightMatrix(codes, Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** With scales. */
  public static WeightMatrix of(Buffer codes, Buffer scales) {
    return new WeightMatrix(codes, Optional.of(scales), Optional.empty(), Optional.empty());
  }

  /** The same with zero points. */
  public WeightMatrix withZeroPoints(Buffer buffer) {
    return new WeightMatrix(codes, scales, Optional.of(buffer), bias);
  }

  /** The same with a bias. */
  public WeightMatrix withBias(Buffer buffer) {
    return new WeightMatrix(codes, scales, zeroPoints, Optional.of(buffer));
  }
}
