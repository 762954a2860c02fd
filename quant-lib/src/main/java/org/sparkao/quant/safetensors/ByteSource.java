package org.sparkao.quant.safetensors;

import java.io.Closeable;
import java.io.IOException;

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
}
