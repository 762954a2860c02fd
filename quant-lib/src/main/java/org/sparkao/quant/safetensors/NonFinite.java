package org.sparkao.quant.safetensors;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Counts NaN and infinities among the stored values of a tensor, eight bytes at a time: an element
 * is one when all bits of {@code pattern} are set, and then adding {@code one} carries into the
 * sign bit of its lane. Source: the layouts of IEEE 754 and of the OCP 8-bit and MX specifications;
 * F8_E4M3 has no infinities, F8_E8M0 only NaN, and what has neither counts 0.
 */
public final class NonFinite {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private NonFinite() {}

  /**
   * How many of the values are NaN or infinite; both parts of a complex number count.
   *
   * @param type of the values
   * @param bytes whole values from {@code offset} on
   */
  public static long count(DType type, byte[] bytes, int offset, int length) {
    return switch (type) {
      case F16 -> count(lanes16(0x7c00), lanes16(0x0400), lanes16(0x8000), bytes, offset, length);
      case BF16 -> count(lanes16(0x7f80), lanes16(0x0080), lanes16(0x8000), bytes, offset, length);
      case F8_E5M2 -> count(lanes8(0x7c), lanes8(0x04), lanes8(0x80), bytes, offset, length);
      case F8_E4M3 -> count(lanes8(0x7f), lanes8(0x01), lanes8(0x80), bytes, offset, length);
      case F32, C64 ->
          count(lanes32(0x7f800000), lanes32(0x00800000), lanes32(1L << 31), bytes, offset, length);
      case F64 -> count(0x7ffL << 52, 1L << 52, 1L << 63, bytes, offset, length);
      case F8_E8M0 -> countOnes(bytes, offset, length);
      default -> 0;
    };
  }

  private static long lanes8(long lane) {
    return lanes16(lane << 8 | lane);
  }

  private static long lanes16(long lane) {
    return lanes32(lane << 16 | lane);
  }

  private static long lanes32(long lane) {
    return lane << 32 | lane;
  }

  private static long count(
      long pattern, long one, long signs, byte[] bytes, int offset, int length) {
    long count = 0;
    int end = offset + length;
    int at = offset;
    for (; at <= end - Long.BYTES; at += Long.BYTES) {
      count += Long.bitCount(((long) LONGS.get(bytes, at) & pattern) + one & signs);
    }
    if (at < end) {
      byte[] rest = Arrays.copyOf(Arrays.copyOfRange(bytes, at, end), Long.BYTES);
      count += Long.bitCount(((long) LONGS.get(rest, 0) & pattern) + one & signs);
    }
    return count;
  }

  private static long countOnes(byte[] bytes, int offset, int length) {
    long count = 0;
    for (int at = offset; at < offset + length; at++) {
      count += bytes[at] == -1 ? 1 : 0;
    }
    return count;
  }
}
