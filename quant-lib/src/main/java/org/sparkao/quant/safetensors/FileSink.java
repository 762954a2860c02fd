package org.sparkao.quant.safetensors;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A new local file. Closing without {@link #commit} leaves it for the caller to delete. The disk is
 * kept busy beside the writer, so that the commit in the end has little left to wait for.
 */
public final class FileSink implements ByteSink {
  /** The channel copies through a native buffer of this size at most, which stays in the cache. */
  private static final int CHUNK_BYTES = 1 << 18;

  /** What is handed to the disk at a time. */
  private static final long FLUSH_BYTES = 32L << 20;

  private final FileChannel channel;
  private CompletableFuture<Void> flush = CompletableFuture.completedFuture(null);
  private long unflushed;

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
    unflushed += length;
    if (unflushed >= FLUSH_BYTES && flush.isDone()) {
      awaitFlush();
      unflushed = 0;
      flush = CompletableFuture.runAsync(this::flush, FileSink::startThread);
    }
  }

  private static void startThread(Runnable work) {
    Thread thread = new Thread(work, "flush");
    thread.setDaemon(true);
    thread.start();
  }

  private void flush() {
    try {
      channel.force(false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A system reports a failed write once, to whoever asks first: it must not be lost. */
  private void awaitFlush() throws IOException {
    try {
      flush.join();
    } catch (CompletionException e) {
      throw new IOException("writing to disk: " + e.getCause().getMessage(), e);
    }
  }

  @Override
  public void commit() throws IOException {
    awaitFlush();
    channel.force(true);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
