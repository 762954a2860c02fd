package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.quant.format.WeightType;

/** A CPU buffer as bf16 numbers; reads and writes through. */
final class Bf16Array {
  private final ByteBuffer bytes;

  Bf16Array(Buffer buffer) {
    this.bytes = CpuDevice.bytes(buffer);
  }

  float get(long index) {
    return Float.intBitsToFloat(bytes.getShort(Math.toIntExact(2 * index)) << 16);
  }

  /** Rounds to nearest, ties to even. */
  void put(long index, double value) {
    int bits = Float.floatToRawIntBits(round(value));
    bytes.putShort(Math.toIntExact(2 * index), (short) (bits >>> 16));
  }

  /** The nearest bf16 number. */
  static float round(double value) {
    return WeightType.BF16.round((float) value);
  }
}
