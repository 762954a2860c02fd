package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.quantize.StoredWeight;
import org.sparkao.quant.format.WeightType;

/** Numbers of BF16, F16 and F32 as fp32, which holds each of them. */
final class PlainNumbers {
  private PlainNumbers() {}

  /**
   * Reads numbers.
   *
   * @param bytes little endian, element 0 at its position, which stays
   * @param first element
   */
  static void read(
      ByteBuffer bytes, WeightType type, long first, float[] out, int offset, int count) {
    int from = Math.toIntExact(bytes.position() + first * type.bytes());
    ByteBuffer source =
        bytes.slice(from, Math.multiplyExact(count, type.bytes())).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case F32 -> source.asFloatBuffer().get(out, offset, count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          out[offset + i] = Float.intBitsToFloat(source.getShort(2 * i) << 16);
        }
      }
      case F16 -> {
        byte[] number = new byte[WeightType.F16.bytes()];
        for (int i = 0; i < count; i++) {
          source.get(2 * i, number);
          out[offset + i] = WeightType.F16.read(number, 0);
        }
      }
    }
  }

  /** A quantized weight [n, k] in the type of the unquantized one, little endian. */
  static ByteBuffer dequantized(StoredWeight weight, int n, int k) {
    WeightType type = weight.type();
    byte[] bytes = new byte[Math.multiplyExact(Math.multiplyExact(n, k), type.bytes())];
    float[] row = new float[k];
    for (int i = 0; i < n; i++) {
      weight.dequantize(i, 1, row, 0);
      for (int j = 0; j < k; j++) {
        type.write(row[j], bytes, (i * k + j) * type.bytes());
      }
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
