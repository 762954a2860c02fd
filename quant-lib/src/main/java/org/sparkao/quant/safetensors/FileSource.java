package org.sparkao.quant.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.sparkao.quant.QuantException;

/** A local file. Its size is taken when it is opened. */
public final class FileSource implements ByteSource {
  /** The channel copies through a native buffer of this size at most, which stays in the cache. */
  private static final int CHUNK_BYTES = 1 << 18;

  private final Path file;
  private final FileChannel channel;
  private final long size;

  private FileSource(Path file, FileChannel channel, long size) {
    this.file = file;
    this.channel = channel;
    this.size = size;
  }

  /** Opens a file for reading; the caller closes it. */
  public static FileSource open(Path file) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      return new FileSource(file, channel, channel.size());
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public String location() {
    return file.toString();
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void readFully(long position, byte[] buffer, int offset, int length) throws IOException {
    int done = 0;
    while (done < length) {
      ByteBuffer chunk =
          ByteBuffer.wrap(buffer, offset + done, Math.min(CHUNK_BYTES, length - done));
      int count = channel.read(chunk, position + done);
      if (count < 0) {
        throw new QuantException(
            file
                + ": ends at byte "
                + (position + done)
                + " where "
                + (length - done)
                + " more were expected; it is truncated or was changed, copy it again");
      }
      done += count;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
