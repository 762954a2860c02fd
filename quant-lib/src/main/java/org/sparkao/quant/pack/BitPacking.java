package org.sparkao.quant.pack;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Codes of 1 to 8 bits as one dense little-endian bit stream in 32-bit words: bit i of the stream
 * is bit i mod 32 of word i / 32, code j occupies bits j * bits to (j + 1) * bits, and unused bits
 * at the end are zero. A bias is added to each code first: 2^(bits - 1) for signed integers, 0 for
 * others, of which only the lowest bits count.
 *
 * <p>Source: {@code pack_to_int32} of compressed-tensors since 0.17 (older versions did not let
 * codes of 3, 5, 6 and 7 bits cross words).
 */
public final class BitPacking {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private BitPacking() {}

  /** 32-bit words that {@code count} codes fill. */
  public static long words(long count, int bits) {
    return (Math.multiplyExact(count, (long) bits) + 31) / 32;
  }

  /**
   * Packs one row.
   *
   * @param codes one a byte, from index 0
   * @param count how many
   * @param bias added to each code
   * @param out receives {@code 4 * words(count, bits)} bytes from {@code outOffset}
   */
  public static void packRow(
      byte[] codes, int count, int bits, int bias, byte[] out, int outOffset) {
    int mask = (1 << bits) - 1;
    int end = outOffset + Math.toIntExact(4 * words(count, bits));
    int first = bits == 4 ? packNibbles(codes, count, bias, out, outOffset) : 0;
    long pending = 0;
    int held = 0;
    int at = outOffset + first * bits / 8;
    for (int j = first; j < count; j++) {
      pending |= (long) (codes[j] + bias & mask) << held;
      held += bits;
      while (held >= 8) {
        out[at++] = (byte) pending;
        pending >>>= 8;
        held -= 8;
      }
    }
    while (at < end) {
      out[at++] = (byte) pending;
      pending = 0;
    }
  }

  /** Packs as many codes as fill whole words, eight at a time; returns how many. */
  private static int packNibbles(byte[] codes, int count, int bias, byte[] out, int outOffset) {
    long biases = bias * 0x0101010101010101L;
    int whole = count & -8;
    for (int j = 0; j < whole; j += 8) {
      // Without the upper halves of the bytes no sum carries into the next one.
      long eight = (long) LONGS.get(codes, j);
      long sum = (eight & 0x0F0F0F0F0F0F0F0FL) + biases & 0x0F0F0F0F0F0F0F0FL;
      long pairs = (sum | sum >>> 4) & 0x00FF00FF00FF00FFL;
      long fours = (pairs | pairs >>> 8) & 0x0000FFFF0000FFFFL;
      INTS.set(out, outOffset + j / 2, (int) (fours | fours >>> 16));
    }
    return whole;
  }

  /** The inverse of {@link #packRow}: {@code count} codes into {@code codes}. */
  public static void unpackRow(
      byte[] packed, int offset, int bits, int bias, byte[] codes, int count) {
    int mask = (1 << bits) - 1;
    long pending = 0;
    int held = 0;
    int at = offset;
    for (int j = 0; j < count; j++) {
      while (held < bits) {
        pending |= (packed[at++] & 0xFFL) << held;
        held += 8;
      }
      codes[j] = (byte) ((int) (pending & mask) - bias);
      pending >>>= bits;
      held -= bits;
    }
  }

  /**
   * Adds row {@code row} to a matrix that is packed along its rows, column by column: zero points.
   * The words [words(rows), count] start out as zeros.
   *
   * @param codes {@code count} signed codes of this row, one a column
   * @param row counted from the row whose codes begin at bit 0 of {@code out[outOffset]}
   */
  public static void packColumns(
      byte[] codes, int count, int bits, long row, byte[] out, int outOffset) {
    int bias = 1 << bits - 1;
    int mask = (1 << bits) - 1;
    long bit = row * bits;
    int rowBytes = 4 * count;
    int base = outOffset + Math.toIntExact(bit / 32 * rowBytes);
    int shift = (int) (bit % 32);
    for (int j = 0; j < count; j++) {
      long value = (long) (codes[j] + bias & mask) << shift;
      or(out, base + 4 * j, (int) value);
      if (shift + bits > 32) {
        or(out, base + rowBytes + 4 * j, (int) (value >>> 32));
      }
    }
  }

  /** The inverse of {@link #packColumns}. */
  public static void unpackColumns(
      byte[] packed, int offset, int bits, long row, byte[] codes, int count) {
    int bias = 1 << bits - 1;
    int mask = (1 << bits) - 1;
    long bit = row * bits;
    int rowBytes = 4 * count;
    int base = offset + Math.toIntExact(bit / 32 * rowBytes);
    int shift = (int) (bit % 32);
    for (int j = 0; j < count; j++) {
      long value = word(packed, base + 4 * j) & 0xFFFFFFFFL;
      if (shift + bits > 32) {
        value |= (long) word(packed, base + rowBytes + 4 * j) << 32;
      }
      codes[j] = (byte) ((int) (value >>> shift & mask) - bias);
    }
  }

  private static void or(byte[] out, int at, int word) {
    for (int i = 0; i < 4; i++) {
      out[at + i] |= (byte) (word >>> 8 * i);
    }
  }

  private static int word(byte[] packed, int at) {
    return packed[at] & 0xFF
        | (packed[at + 1] & 0xFF) << 8
        | (packed[at + 2] & 0xFF) << 16
        | packed[at + 3] << 24;
  }
}
