package org.sparkao.gpu.gemm;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/**
 * Y [M, N] = X [M, K] W [N, K]^T + bias in fp32 without TF32, any M, N and K, the last axis
 * contiguous everywhere: what other products are checked with. An output is one chain of {@link
 * Math#fma} over K from 0 upwards, started at +0, then one addition of the bias, on every device.
 */
public interface Fp32Gemm {
  /** The sizes of a product, all positive. */
  record Shape(int m, int n, int k) {
    /** Checks that they are. */
    public Shape {
      if (m < 1 || n < 1 || k < 1) {
        throw new IllegalArgumentException(
            "M, N and K of an fp32 product are positive, and these are "
                + m
                + ", "
                + n
                + " and "
                + k
                + "; leave an empty product out");
      }
    }
  }

  /**
   * Multiplies in the order of the calling thread's stream.
   *
   * @param bias [N]
   */
  void multiply(Shape shape, Buffer x, Buffer w, Optional<Buffer> bias, Buffer y);
}
