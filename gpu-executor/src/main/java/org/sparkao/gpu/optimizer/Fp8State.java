package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;
import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;

/** e4m3 codes of value / scale, the scale being the largest magnitude over 448. */
final class Fp8State implements StateCodec {
  static final Fp8State CODEC = new Fp8State();

  private static final int SIGN = 0x80;
  private static final int CODES = 256;

  private final BinaryFloat format = NumberFormats.E4M3FN;
  private final float[] numbers = new float[CODES];
  private final RoundingTable magnitudes;

  private Fp8State() {
    for (int code = 0; code < CODES; code++) {
      numbers[code] = format.decode(code);
    }
    this.magnitudes =
        new RoundingTable(
            SIGN - 1, value -> format.encode(Math.max(0f, value), Overflow.SATURATE) & ~SIGN);
  }

  @Override
  public void decode(ByteBuffer codes, ByteBuffer scales, int begin, int count, float[] out) {
    byte[] bytes = new byte[count];
    codes.get(begin, bytes);
    int block = StateFormat.FP8.block();
    for (int first = 0; first < count; first += block) {
      float scale = scales.getFloat((begin + first) / block * Float.BYTES);
      for (int i = first; i < first + block; i++) {
        out[i] = numbers[bytes[i] & 0xFF] * scale;
      }
    }
  }

  @Override
  public void encode(float[] values, int begin, int count, ByteBuffer codes, ByteBuffer scales) {
    byte[] bytes = new byte[count];
    int block = StateFormat.FP8.block();
    for (int first = 0; first < count; first += block) {
      float scale = BlockScale.largest(values, first, first + block) / format.largest();
      scales.putFloat((begin + first) / block * Float.BYTES, scale);
      for (int i = first; i < first + block; i++) {
        float position = values[i] / scale;
        int sign = Float.floatToRawIntBits(position) >>> 24 & SIGN;
        bytes[i] = (byte) (sign | magnitudes.rank(Math.abs(position)));
      }
    }
    codes.put(begin, bytes);
  }
}
