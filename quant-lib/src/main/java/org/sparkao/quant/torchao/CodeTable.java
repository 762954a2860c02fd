package org.sparkao.quant.torchao;

import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.Overflow;

/** Runs of values to the codes of a small floating-point format, saturating, and back. */
final class CodeTable {
  private final BinaryFloat format;
  private final float[] numbers;
  private final float largest;

  CodeTable(BinaryFloat format) {
    this.format = format;
    this.numbers = new float[1 << format.bits()];
    for (int code = 0; code < numbers.length; code++) {
      numbers[code] = format.decode(code);
    }
    this.largest = format.largest();
  }

  float decode(byte code) {
    return numbers[code & numbers.length - 1];
  }

  /** Codes of value * factor; how many were beyond the largest number. */
  int encodeProducts(
      float[] values, int begin, int end, float factor, byte[] codes, int codesBegin) {
    int clipped = 0;
    int out = codesBegin;
    for (int i = begin; i < end; i++) {
      float scaled = values[i] * factor;
      clipped += Math.abs(scaled) > largest ? 1 : 0;
      codes[out++] = (byte) format.encode(scaled, Overflow.SATURATE);
    }
    return clipped;
  }

  /** Codes of value / divisor; how many were beyond the largest number. */
  int encodeQuotients(
      float[] values, int begin, int end, float divisor, byte[] codes, int codesBegin) {
    int clipped = 0;
    int out = codesBegin;
    for (int i = begin; i < end; i++) {
      float scaled = values[i] / divisor;
      clipped += Math.abs(scaled) > largest ? 1 : 0;
      codes[out++] = (byte) format.encode(scaled, Overflow.SATURATE);
    }
    return clipped;
  }
}
