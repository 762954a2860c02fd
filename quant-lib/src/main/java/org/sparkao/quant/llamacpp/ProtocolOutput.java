package org.sparkao.quant.llamacpp;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a message of protocol buffers. */
final class ProtocolOutput {
  private static final int VARINT = 0;
  private static final int DELIMITED = 2;
  private static final int WORD = 5;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  ProtocolOutput whole(int field, long value) {
    varint((long) field << 3 | VARINT);
    varint(value);
    return this;
  }

  ProtocolOutput number(int field, float value) {
    varint((long) field << 3 | WORD);
    int bits = Float.floatToRawIntBits(value);
    for (int i = 0; i < Integer.BYTES; i++) {
      out.write(bits >>> 8 * i);
    }
    return this;
  }

  ProtocolOutput text(int field, String value) {
    return bytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  ProtocolOutput message(int field, ProtocolOutput message) {
    return bytes(field, message.bytes());
  }

  byte[] bytes() {
    return out.toByteArray();
  }

  private ProtocolOutput bytes(int field, byte[] value) {
    varint((long) field << 3 | DELIMITED);
    varint(value.length);
    out.writeBytes(value);
    return this;
  }

  /** Seven bits a byte, the lowest first; a negative number takes ten. */
  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.write((int) (rest & 0x7F | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }
}
