package org.sparkao.quant.safetensors;

import java.io.Closeable;
import java.io.IOException;

/**
 * Positional writes of one new file. Local files here; file systems that only append are served in
 * {@code jobs} through local scratch space. Safe for use by one thread; the opener closes it, and
 * only {@link #commit} makes the bytes durable.
 */
public interface ByteSink extends Closeable {

  /** Writes {@code length} bytes at {@code position}; regions never overlap. */
  void write(long position, byte[] buffer, int offset, int length) throws IOException;

  /** Makes everything written durable. Closing without it abandons the file. */
  void commit() throws IOException;
}
