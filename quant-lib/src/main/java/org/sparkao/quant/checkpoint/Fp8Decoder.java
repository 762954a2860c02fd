package org.sparkao.quant.checkpoint;

/** Values of F8_E4M3 codes as floats, and their rounding to 16 bits. */
final class Fp8Decoder {
  private static final float[] VALUES = values();

  private Fp8Decoder() {}

  /** The value of a code, exact; 0x7F and 0xFF are NaN. */
  static float value(byte code) {
    return VALUES[code & 0xFF];
  }

  /** OCP FP8 (E4M3): bias 7, subnormals of 2^-9, no infinities. */
  private static float[] values() {
    float[] values = new float[256];
    for (int code = 0; code < 256; code++) {
      int exponent = code >> 3 & 15;
      int mantissa = code & 7;
      float magnitude =
          exponent == 0
              ? Math.scalb((float) mantissa, -9)
              : Math.scalb((float) (8 + mantissa), exponent - 10);
      if ((code & 0x7F) == 0x7F) {
        magnitude = Float.NaN;
      }
      values[code] = code < 128 ? magnitude : -magnitude;
    }
    return values;
  }

  /** Nearest bf16, ties to even; NaN becomes the quiet NaN of its sign. */
  static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 & 0x8000 | 0x7FC0);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  /** Nearest fp16, ties to even, overflow to infinity; NaN becomes the quiet NaN of its sign. */
  static short f16(float value) {
    int sign = Float.floatToRawIntBits(value) >>> 16 & 0x8000;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7E00);
    }
    if (magnitude >= 65520f) {
      return (short) (sign | 0x7C00);
    }
    int exponent = Math.max(Math.getExponent(magnitude), -14);
    int steps = (int) Math.rint(Math.scalb(magnitude, 10 - exponent));
    return (short) (sign | (exponent + 14 << 10) + steps);
  }

  /** The value of fp16 bits. */
  static float fromF16(short half) {
    int exponent = half >> 10 & 31;
    int mantissa = half & 1023;
    float magnitude;
    if (exponent == 31) {
      magnitude = mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else if (exponent == 0) {
      magnitude = Math.scalb((float) mantissa, -24);
    } else {
      magnitude = Math.scalb((float) (1024 + mantissa), exponent - 25);
    }
    return half < 0 ? -magnitude : magnitude;
  }
}
