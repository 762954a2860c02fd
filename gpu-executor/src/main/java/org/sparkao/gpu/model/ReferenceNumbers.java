package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.quant.format.WeightType;

/** A CPU buffer as numbers of an arithmetic; reads and writes through. */
final class ReferenceNumbers {
  private final ByteBuffer bytes;
  private final Arithmetic arithmetic;

  ReferenceNumbers(Buffer buffer, Arithmetic arithmetic) {
    this.bytes = CpuDevice.bytes(buffer);
    this.arithmetic = arithmetic;
  }

  float get(long index) {
    int at = Math.toIntExact(arithmetic.bytes() * index);
    return arithmetic == Arithmetic.FP32
        ? bytes.getFloat(at)
        : Float.intBitsToFloat(bytes.getShort(at) << 16);
  }

  /** Rounds to the arithmetic once. */
  void put(long index, double value) {
    int at = Math.toIntExact(arithmetic.bytes() * index);
    float rounded = round(arithmetic, value);
    if (arithmetic == Arithmetic.FP32) {
      bytes.putFloat(at, rounded);
    } else {
      bytes.putShort(at, (short) (Float.floatToRawIntBits(rounded) >>> 16));
    }
  }

  /** Fills {@code to} with what lies from {@code first} on. */
  void read(long first, float[] to) {
    for (int i = 0; i < to.length; i++) {
      to[i] = get(first + i);
    }
  }

  /** The nearest number of an arithmetic. */
  static float round(Arithmetic arithmetic, double value) {
    return arithmetic == Arithmetic.FP32 ? (float) value : WeightType.BF16.round((float) value);
  }
}
