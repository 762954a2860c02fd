package org.sparkao.jobs.storage;

import java.io.EOFException;
import java.io.IOException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;

/** A file of a Hadoop file system, read by ranges. */
final class HadoopSource implements ByteSource {
  private final Path path;
  private final long size;
  private final FSDataInputStream stream;

  private HadoopSource(Path path, long size, FSDataInputStream stream) {
    this.path = path;
    this.size = size;
    this.stream = stream;
  }

  static HadoopSource open(FileSystem files, Path path) throws IOException {
    long size = files.getFileStatus(path).getLen();
    return new HadoopSource(path, size, files.open(path));
  }

  @Override
  public String location() {
    return path.toString();
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void readFully(long position, byte[] buffer, int offset, int length) throws IOException {
    try {
      stream.readFully(position, buffer, offset, length);
    } catch (EOFException e) {
      throw new QuantException(
          path
              + ": ends before byte "
              + (position + length)
              + "; it is truncated or was changed, copy it again",
          e);
    }
  }

  @Override
  public void close() throws IOException {
    stream.close();
  }
}
