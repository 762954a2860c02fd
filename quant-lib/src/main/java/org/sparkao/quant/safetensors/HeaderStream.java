package org.sparkao.quant.safetensors;

import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;

/** The bytes [position, end) of a source as a stream that hashes what passes. */
final class HeaderStream extends InputStream {
  /** Most headers in one read: object stores answer each with a request. */
  private static final int BUFFER_BYTES = 1 << 20;

  private final ByteSource source;
  private final MessageDigest digest;
  private final byte[] buffer;
  private final long end;
  private long position;
  private int next;
  private int limit;

  HeaderStream(ByteSource source, long position, long end, MessageDigest digest) {
    this.source = source;
    this.position = position;
    this.end = end;
    this.digest = digest;
    this.buffer = new byte[(int) Math.min(BUFFER_BYTES, end - position)];
  }

  @Override
  public int read() throws IOException {
    return fill() ? buffer[next++] & 0xFF : -1;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!fill()) {
      return -1;
    }
    int count = Math.min(length, limit - next);
    System.arraycopy(buffer, next, target, offset, count);
    next += count;
    return count;
  }

  private boolean fill() throws IOException {
    if (next < limit) {
      return true;
    }
    int count = (int) Math.min(buffer.length, end - position);
    if (count == 0) {
      return false;
    }
    source.readFully(position, buffer, 0, count);
    digest.update(buffer, 0, count);
    position += count;
    next = 0;
    limit = count;
    return true;
  }
}
