package org.sparkao.gpu.gemm;

import java.util.Locale;
import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.format.TwosComplement;

/** What one element of an operand or of a result is; little endian, no packing. */
public enum ElementType {
  /** fp8, largest 448. */
  E4M3(NumberFormats.E4M3FN),
  /** fp8, largest 57344. */
  E5M2(NumberFormats.E5M2),
  /** Two's complement. */
  INT8(new TwosComplement(8)),
  /** bfloat16. */
  BF16(NumberFormats.BF16),
  /** IEEE half precision. */
  FP16(NumberFormats.FP16),
  /** IEEE single precision; results only. */
  FP32(null);

  private final NumberFormat format;

  ElementType(NumberFormat format) {
    this.format = format;
  }

  /** Bytes of one element. */
  public int bytes() {
    return format == null ? Float.BYTES : format.bits() / Byte.SIZE;
  }

  /** Whether it is one of the two fp8 formats. */
  boolean fp8() {
    return this == E4M3 || this == E5M2;
  }

  /** Whether results can have it. */
  boolean output() {
    return this == BF16 || this == FP16 || this == FP32;
  }

  /** The number that the bits stand for, exactly. */
  float decode(int bits) {
    return format == null ? Float.intBitsToFloat(bits) : format.decode(bits);
  }

  /** The bits of the nearest number. */
  int encode(float value, Overflow overflow) {
    return format == null ? Float.floatToRawIntBits(value) : format.encode(value, overflow);
  }

  /** As kernels are named: {@code e4m3}. */
  String kernelName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
