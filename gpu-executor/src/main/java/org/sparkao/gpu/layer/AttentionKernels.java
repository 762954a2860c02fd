package org.sparkao.gpu.layer;

import java.util.Set;
import java.util.TreeSet;

/** The kernels of {@code src/main/cuda/attention}: for which heads there are some. */
final class AttentionKernels {
  static final String OP = "attention";

  /** Elements of a head that prefill and decode kernels are compiled for. */
  private static final Set<Integer> DIMENSIONS = Set.of(64, 80, 96, 128, 256);

  private AttentionKernels() {}

  static void check(HeadShape shape) {
    if (!DIMENSIONS.contains(shape.dimension())) {
      throw new IllegalArgumentException(
          "no attention kernel for heads of "
              + shape.dimension()
              + " elements; there are kernels for "
              + new TreeSet<>(DIMENSIONS)
              + ", or use --device cpu");
    }
  }
}
