package org.sparkao.datasets.tokenizer;

import java.util.Arrays;

/** The fields of one message of a protocol buffer, one after the other. */
final class ProtocolBuffer {
  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED_32 = 5;
  private static final int VARINT_BYTES = 10;

  private final byte[] data;
  private int position;
  private int field;
  private long number;
  private byte[] bytes;

  ProtocolBuffer(byte[] data) {
    this.data = data;
  }

  /** Goes to the next field; false behind the last. */
  boolean next() {
    if (position == data.length) {
      return false;
    }
    long tag = varint();
    field = (int) (tag >>> 3);
    number = 0;
    bytes = new byte[0];
    switch ((int) (tag & 7)) {
      case VARINT -> number = varint();
      case FIXED_64 -> take(8);
      case BYTES -> bytes = take(varint());
      case FIXED_32 -> bytes = take(4);
      default -> throw new IllegalArgumentException("no field begins at byte " + position);
    }
    return true;
  }

  int field() {
    return field;
  }

  /** The value of a field of whole numbers. */
  long number() {
    return number;
  }

  /** The value of a field of bytes, or of four bytes. */
  byte[] bytes() {
    return bytes;
  }

  /** The value of a field that is itself a message. */
  ProtocolBuffer message() {
    return new ProtocolBuffer(bytes);
  }

  private byte[] take(long count) {
    if (count < 0 || count > data.length - position) {
      throw new IllegalArgumentException(
          count + " bytes expected at byte " + position + ", of " + data.length + " in all");
    }
    position += (int) count;
    return Arrays.copyOfRange(data, position - (int) count, position);
  }

  private long varint() {
    long value = 0;
    for (int i = 0; i < VARINT_BYTES; i++) {
      byte part = take(1)[0];
      value |= (long) (part & 0x7F) << (7 * i);
      if (part >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("a number without an end before byte " + position);
  }
}
