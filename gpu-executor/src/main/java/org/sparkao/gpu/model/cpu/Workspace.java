package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Memory for rows between buffers and products; grows to the largest that was asked for. */
final class Workspace {
  private final float[][] all = new float[Use.values().length][0];

  /** Arrays that are used at the same time. */
  enum Use {
    /** What a projection reads. */
    INPUT,
    /** A copy that one of several matrices may change. */
    COPY,
    /** Gate and up where they are computed apart. */
    PAIRS,
    /** Rows of one expert. */
    EXPERT_INPUT,
    /** Between its matrices. */
    EXPERT_INNER,
    /** What it gives. */
    EXPERT_OUTPUT,
    /** Weighted sums of experts. */
    SUMS
  }

  /** At least so many numbers, undefined. */
  float[] take(Use use, int rows, int columns) {
    int count = Math.multiplyExact(Product.rowsInMemory(rows), columns);
    if (all[use.ordinal()].length < count) {
      all[use.ordinal()] = new float[count];
    }
    return all[use.ordinal()];
  }

  /** A buffer of the device as numbers; reads and writes through. */
  static FloatBuffer floats(Buffer buffer) {
    return CpuDevice.bytes(buffer).asFloatBuffer();
  }
}
