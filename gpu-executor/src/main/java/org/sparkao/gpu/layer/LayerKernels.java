package org.sparkao.gpu.layer;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.Launch;

/** What the launchers of {@code src/main/cuda/layer} share. */
final class LayerKernels {
  static final String OP = "layer";

  private LayerKernels() {}

  /** Threads of a block that handles a row of vectors, two each: whole warps, 1024 at most. */
  static int rowThreads(int columns) {
    int warps = LayerShapes.ceilDiv(columns / LayerShapes.OCTET, 64);
    return 32 * Math.max(1, Math.min(32, warps));
  }

  /** A buffer as an argument, or null. */
  static void add(Launch launch, Optional<Buffer> buffer) {
    if (buffer.isPresent()) {
      launch.with(buffer.get());
    } else {
      launch.withNull();
    }
  }
}
