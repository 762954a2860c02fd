package org.sparkao.quant.safetensors;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A file in memory, for tests. */
public final class MemorySource implements ByteSource {
  private final String location;
  private final byte[] bytes;

  /** The array is not copied. */
  public MemorySource(String location, byte[] bytes) {
    this.location = location;
    this.bytes = bytes;
  }

  /** A safetensors file with this JSON and {@code dataBytes} zeros. */
  static MemorySource of(String json, int dataBytes) {
    return new MemorySource("a.safetensors", file(json, dataBytes));
  }

  /** The bytes of such a file. */
  static byte[] file(String json, int dataBytes) {
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  @Override
  public String location() {
    return location;
  }

  @Override
  public long size() {
    return bytes.length;
  }

  @Override
  public void readFully(long position, byte[] buffer, int offset, int length) throws IOException {
    if (position + length > bytes.length) {
      throw new EOFException(location);
    }
    System.arraycopy(bytes, (int) position, buffer, offset, length);
  }

  @Override
  public void close() {}
}
