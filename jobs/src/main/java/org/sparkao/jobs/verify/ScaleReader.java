package org.sparkao.jobs.verify;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;
import org.sparkao.quant.safetensors.DType;

/** The values of a scale tensor, a piece at a time. */
final class ScaleReader {
  private static final Set<DType> READABLE =
      EnumSet.of(DType.BF16, DType.F16, DType.F32, DType.F8_E4M3, DType.U8);
  private static final int PIECE_BYTES = 1 << 20;
  private static final int EXPONENT_BIAS = 127;

  private ScaleReader() {}

  /** What is done with each value. */
  @FunctionalInterface
  interface Visitor {
    /**
     * Takes one value.
     *
     * @param index its place in the tensor, row-major
     */
    void accept(long index, double value);
  }

  /** Whether a scale can have that type. */
  static boolean readable(StoredTensor tensor) {
    return READABLE.contains(tensor.dtype());
  }

  /** Visits all values in order. U8 is E8M0: 2^(byte - 127), 255 is NaN. */
  static void visit(CheckpointContents contents, StoredTensor tensor, Visitor visitor)
      throws IOException {
    int width = tensor.dtype().bits() / Byte.SIZE;
    long index = 0;
    for (long begin = 0; begin < tensor.bytes(); begin += PIECE_BYTES) {
      int length = (int) Math.min(PIECE_BYTES, tensor.bytes() - begin);
      ByteBuffer piece =
          ByteBuffer.wrap(contents.read(tensor, begin, length)).order(ByteOrder.LITTLE_ENDIAN);
      for (int position = 0; position < length; position += width) {
        visitor.accept(index++, value(tensor.dtype(), piece, position));
      }
    }
  }

  /** The first value. */
  static double first(CheckpointContents contents, StoredTensor tensor) throws IOException {
    byte[] bytes = contents.read(tensor, 0, tensor.dtype().bits() / Byte.SIZE);
    return value(tensor.dtype(), ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), 0);
  }

  private static double value(DType dtype, ByteBuffer bytes, int position) {
    return switch (dtype) {
      case F32 -> bytes.getFloat(position);
      case BF16 -> Float.intBitsToFloat(bytes.getShort(position) << 16);
      case F16 -> small(bytes.getShort(position), 5, 10, 0x7FFF);
      case F8_E4M3 -> e4m3(bytes.get(position));
      case U8 -> e8m0(bytes.get(position) & 0xFF);
      default -> throw new IllegalArgumentException("scales of type " + dtype);
    };
  }

  private static double e8m0(int exponent) {
    return exponent == 0xFF ? Double.NaN : Math.scalb(1.0, exponent - EXPONENT_BIAS);
  }

  /** e4m3fn has no infinities: all ones is NaN, the rest of the top exponent is ordinary. */
  private static double e4m3(byte code) {
    if ((code & 0x7F) == 0x7F) {
      return Double.NaN;
    }
    int exponent = (code >> 3) & 0xF;
    int fraction = code & 0x7;
    double magnitude =
        exponent == 0
            ? Math.scalb((double) fraction, -9)
            : Math.scalb(8.0 + fraction, exponent - 10);
    return code < 0 ? -magnitude : magnitude;
  }

  /** An IEEE binary format of 16 bits. */
  private static double small(short code, int exponentBits, int fractionBits, int mask) {
    int magnitudeBits = code & mask;
    int top = (1 << exponentBits) - 1;
    int exponent = magnitudeBits >> fractionBits;
    int fraction = magnitudeBits & (1 << fractionBits) - 1;
    int bias = top >> 1;
    double magnitude;
    if (exponent == top) {
      magnitude = fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
    } else if (exponent == 0) {
      magnitude = Math.scalb((double) fraction, 1 - bias - fractionBits);
    } else {
      magnitude =
          Math.scalb((double) (fraction | 1 << fractionBits), exponent - bias - fractionBits);
    }
    return code < 0 ? -magnitude : magnitude;
  }
}
