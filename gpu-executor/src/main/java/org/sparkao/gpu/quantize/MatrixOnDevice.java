package org.sparkao.gpu.quantize;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.Launch;

/**
 * A weight [rows, columns], columns contiguous, and what it becomes. The buffers belong to whoever
 * made them.
 *
 * @param weights of their own type
 * @param codes one row after the other
 * @param scales one a group
 * @param zeroPoints one byte a group, where there are any
 * @param records what statistics need of a group, {@link #RECORD_BYTES} each
 * @param factor the fp32 factor of the tensor, where there is one
 */
record MatrixOnDevice(
    Optional<Buffer> weights,
    Buffer codes,
    Buffer scales,
    Optional<Buffer> zeroPoints,
    Optional<Buffer> records,
    Optional<Buffer> factor) {

  static final int RECORD_BYTES = 16;

  /** Adds the arguments that all kernels begin with. */
  Launch addTo(Launch launch, int rows, int columns) {
    add(launch, weights);
    launch.with(codes).with(scales);
    add(launch, zeroPoints);
    add(launch, records);
    add(launch, factor);
    return launch.with(rows).with(columns);
  }

  private static void add(Launch launch, Optional<Buffer> buffer) {
    if (buffer.isPresent()) {
      launch.with(buffer.get());
    } else {
      launch.withNull();
    }
  }
}
