package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.quant.observe.TensorRange;

/**
 * What belongs to a tensor as a whole and stands before its first slice: the factors of NVFP4, or
 * the one scale. On the device, and as the bytes that are stored.
 */
final class TensorConstants {
  private static final int FACTORS_AT = 0;
  private static final int STORED_FACTOR_AT = Float.BYTES;
  private static final int SCALE_AT = 16;
  private static final int ZERO_POINT_AT = 32;
  private static final int RECORD_AT = 48;

  private final Buffer memory;
  private final ByteBuffer stored;

  private TensorConstants(Buffer memory, ByteBuffer stored) {
    this.memory = memory;
    this.stored = stored;
  }

  /** Computes them from the range of the tensor. */
  static TensorConstants of(
      QuantizeWorkspace workspace, QuantizeKernels kernels, boolean asymmetric, TensorRange range) {
    Buffer memory = workspace.constants();
    MatrixOnDevice places =
        new MatrixOnDevice(
            Optional.empty(),
            memory,
            memory.slice(SCALE_AT, Float.BYTES),
            asymmetric ? Optional.of(memory.slice(ZERO_POINT_AT, 1)) : Optional.empty(),
            Optional.of(memory.slice(RECORD_AT, MatrixOnDevice.RECORD_BYTES)),
            Optional.empty());
    Buffer factors = memory.slice(FACTORS_AT, 2 * Float.BYTES);
    workspace
        .device()
        .on(
            workspace.slots().get(0).stream(),
            () -> kernels.tensor(places, factors, range.min(), range.max()));
    return new TensorConstants(memory, workspace.readConstants());
  }

  /** The factor that groups are computed with. */
  Buffer factor() {
    return memory.slice(FACTORS_AT, Float.BYTES);
  }

  /** The record of the one scale. */
  Buffer record() {
    return memory.slice(RECORD_AT, MatrixOnDevice.RECORD_BYTES);
  }

  /** Where a kernel that has no scale to write may point to. */
  Buffer scale() {
    return memory.slice(SCALE_AT, Float.BYTES);
  }

  /** The bytes of {@code weight_global_scale}. */
  void copyFactor(byte[] out) {
    stored.get(STORED_FACTOR_AT, out, 0, Float.BYTES);
  }

  /** The bytes of the one scale. */
  void copyScale(byte[] out, int bytes) {
    stored.get(SCALE_AT, out, 0, bytes);
  }

  /** The byte of the one zero point. */
  void copyZeroPoint(byte[] out) {
    stored.get(ZERO_POINT_AT, out, 0, 1);
  }
}
