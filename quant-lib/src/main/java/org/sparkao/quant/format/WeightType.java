package org.sparkao.quant.format;

/**
 * The data type D of a weight: reading it, and rounding to it as an arithmetic operation in D does
 * (computed in fp32, rounded once, ties to even, too large becomes infinite).
 */
public enum WeightType {
  BF16(NumberFormats.BF16.epsilon(), NumberFormats.BF16.smallestNormal(), 7) {
    @Override
    public float read(byte[] source, int offset) {
      return Float.intBitsToFloat(bits16(source, offset) << 16);
    }

    @Override
    public float round(float value) {
      if (Float.isNaN(value)) {
        return Float.NaN;
      }
      int bits = Float.floatToRawIntBits(value);
      return Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
    }

    @Override
    public void write(float value, byte[] out, int offset) {
      write16(Float.floatToRawIntBits(value) >>> 16, out, offset);
    }
  },
  F16(NumberFormats.FP16.epsilon(), NumberFormats.FP16.smallestNormal(), 10) {
    @Override
    public float read(byte[] source, int offset) {
      return Half.decode(bits16(source, offset));
    }

    @Override
    public float round(float value) {
      return Half.decode(Half.encode(value));
    }

    @Override
    public void write(float value, byte[] out, int offset) {
      write16(Half.encode(value), out, offset);
    }
  },
  F32(Math.ulp(1f), Float.MIN_NORMAL, 23) {
    @Override
    public float read(byte[] source, int offset) {
      return Float.intBitsToFloat(bits16(source, offset) | bits16(source, offset + 2) << 16);
    }

    @Override
    public float round(float value) {
      return value;
    }

    @Override
    public void write(float value, byte[] out, int offset) {
      int bits = Float.floatToRawIntBits(value);
      write16(bits, out, offset);
      write16(bits >>> 16, out, offset + 2);
    }
  };

  private final float epsilon;
  private final float smallestNormal;
  private final int mantissaBits;

  WeightType(float epsilon, float smallestNormal, int mantissaBits) {
    this.epsilon = epsilon;
    this.smallestNormal = smallestNormal;
    this.mantissaBits = mantissaBits;
  }

  /** The element whose little-endian bytes begin at {@code offset}. */
  public abstract float read(byte[] source, int offset);

  /** The nearest number of this type. */
  public abstract float round(float value);

  /** Writes a number of this type, little endian. */
  public abstract void write(float value, byte[] out, int offset);

  /** The distance from 1 to the next number: {@code torch.finfo(D).eps}. */
  public float epsilon() {
    return epsilon;
  }

  /** {@code torch.finfo(D).tiny}. */
  public float smallestNormal() {
    return smallestNormal;
  }

  /** Stored bits of the mantissa. */
  public int mantissaBits() {
    return mantissaBits;
  }

  /** Bytes of one element. */
  public int bytes() {
    return this == F32 ? 4 : 2;
  }

  private static int bits16(byte[] source, int offset) {
    return source[offset] & 0xFF | (source[offset + 1] & 0xFF) << 8;
  }

  private static void write16(int bits, byte[] out, int offset) {
    out[offset] = (byte) bits;
    out[offset + 1] = (byte) (bits >>> 8);
  }
}
