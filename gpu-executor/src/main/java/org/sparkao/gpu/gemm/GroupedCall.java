package org.sparkao.gpu.gemm;

import java.util.Optional;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.device.Buffer;

/**
 * The tokens of one grouped product.
 *
 * @param tokens of all experts together
 * @param offsets int32 [experts + 1], from 0 to tokens, never falling: expert e has the tokens
 *     offsets[e] to offsets[e + 1] - 1
 * @param x [tokens, K], K contiguous, sorted by expert
 * @param scalesOfX fp32 as the operands' {@link Scaling} says, empty for NONE
 * @param y [tokens, N], N contiguous
 */
public record GroupedCall(
    int tokens, Buffer offsets, Buffer x, Optional<Buffer> scalesOfX, Buffer y) {
  /** Refuses sizes that are not the product's. */
  void check(Gemm gemm, int experts) {
    GemmChecks.call(gemm, new GemmCall(tokens, x, scalesOfX, Optional.empty(), y));
    long needed = Integer.BYTES * (experts + 1L);
    if (offsets.bytes() < needed) {
      throw new IllegalArgumentException(
          GpuErrors.gemmBuffer(gemm.name(), "offsets", needed, offsets.bytes()));
    }
  }
}
