package org.sparkao.quant.safetensors;

import java.io.Closeable;
import java.io.IOException;
import java.util.function.IntConsumer;

/**
 * Positional reads of one immutable file. Local files here, Hadoop file systems in {@code jobs}.
 * Safe for use by one thread; the opener closes it.
 */
public interface ByteSource extends Closeable {

  /** Where the bytes come from, as a user would name it in an error message. */
  String location();

  /** Length in bytes. */
  long size() throws IOException;

  /** Fills {@code length} bytes from {@code position}; a shorter file is an error. */
  void readFully(long position, byte[] buffer, int offset, int length) throws IOException;

  /**
   * Copies all bytes, 4 MiB at a time.
   *
   * @param position in the target, of the first
   * @param copied told how many more there are, each time
   */
  default void copyTo(ByteSink target, long position, IntConsumer copied) throws IOException {
    long size = size();
    byte[] piece = new byte[(int) Math.min(size, 1 << 22)];
    for (long at = 0; at < size; at += piece.length) {
      int count = (int) Math.min(piece.length, size - at);
      readFully(at, piece, 0, count);
      target.write(position + at, piece, 0, count);
      copied.accept(count);
    }
  }
}
