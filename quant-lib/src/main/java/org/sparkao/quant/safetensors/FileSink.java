package org.sparkao.quant.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A new local file. Closing without {@link #commit} leaves it for the caller to delete. */
public final class FileSink implements ByteSink {
  /** The channel copies through a native buffer of this size at most, which stays in the cache. */
  private static final int CHUNK_BYTES = 1 << 18;

  private final FileChannel channel;

  private FileSink(FileChannel channel) {
    this.channel = channel;
  }

  /** Creates the file, which must not exist; the caller closes it. */
  public static FileSink create(Path file) throws IOException {
    return new FileSink(
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
  }

  @Override
  public void write(long position, byte[] buffer, int offset, int length) throws IOException {
    int done = 0;
    while (done < length) {
      ByteBuffer chunk =
          ByteBuffer.wrap(buffer, offset + done, Math.min(CHUNK_BYTES, length - done));
      done += channel.write(chunk, position + done);
    }
  }

  @Override
  public void commit() throws IOException {
    channel.force(true);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
