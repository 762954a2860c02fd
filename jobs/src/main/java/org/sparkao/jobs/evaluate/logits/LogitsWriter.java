package org.sparkao.jobs.evaluate.logits;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ShardWriter;

/**
 * Writes the file of one item. It gets its name when it is whole and durable; all attempts write
 * the same bytes, so the one that finds the name taken throws its own away.
 */
final class LogitsWriter implements Closeable {
  private final Folder folder;
  private final LogitsFile file;
  private final ByteSink sink;
  private final ShardWriter writer;
  private final ByteBuffer row;

  /**
   * Begins the file; the caller closes it, which without {@link #commit} leaves nothing.
   *
   * @param part name until it is whole
   * @param tokens the scored ones
   */
  LogitsWriter(Folder folder, LogitsFile file, String part, int[] tokens) throws IOException {
    this.folder = folder;
    this.file = file;
    this.sink = folder.sink(part, file.name());
    this.row = ByteBuffer.allocate(Float.BYTES * file.vocabulary()).order(ByteOrder.LITTLE_ENDIAN);
    try {
      this.writer = new ShardWriter(sink, file.header());
      ByteBuffer ids =
          ByteBuffer.allocate(Integer.BYTES * tokens.length).order(ByteOrder.LITTLE_ENDIAN);
      ids.asIntBuffer().put(tokens);
      writer.append(LogitsFile.TOKENS, ids.array(), 0, ids.capacity());
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The next row. */
  void append(float[] logSoftmax) throws IOException {
    row.asFloatBuffer().put(logSoftmax);
    writer.append(LogitsFile.LOG_SOFTMAX, row.array(), 0, row.capacity());
  }

  /** Makes the file durable and gives it its name. */
  void commit() throws IOException {
    if (folder.size(file.name()).isEmpty()) {
      writer.finish();
    }
  }

  @Override
  public void close() throws IOException {
    sink.close();
  }
}
