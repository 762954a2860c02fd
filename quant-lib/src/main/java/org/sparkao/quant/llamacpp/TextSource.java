package org.sparkao.quant.llamacpp;

import java.io.EOFException;
import org.sparkao.quant.safetensors.ByteSource;

/** A file in memory. */
record TextSource(String location, byte[] bytes) implements ByteSource {

  @Override
  public long size() {
    return bytes.length;
  }

  @Override
  public void readFully(long position, byte[] buffer, int offset, int length) throws EOFException {
    if (position < 0 || length > bytes.length - position) {
      throw new EOFException(location + ": ends at byte " + bytes.length);
    }
    System.arraycopy(bytes, (int) position, buffer, offset, length);
  }

  /** Nothing is open. */
  @Override
  public void close() {}
}
