package org.sparkao.jobs.storage;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * A disk that is full after one byte, and tells it at once, or when a file is closed: {@code
 * full:/path} is {@code /path}.
 */
public final class FullDisk extends RawLocalFileSystem {
  static final String LATE = "fs.full.late";

  @Override
  public URI getUri() {
    return URI.create("full:///");
  }

  @Override
  public FSDataOutputStream create(
      Path file,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    FSDataOutputStream stream =
        super.create(file, overwrite, bufferSize, replication, blockSize, progress);
    boolean late = getConf().getBoolean(LATE, false);
    OutputStream full =
        new FilterOutputStream(stream) {
          @Override
          public void write(byte[] bytes, int offset, int length) throws IOException {
            out.write(bytes, offset, 1);
            if (!late) {
              throw new IOException("No space left on device");
            }
          }

          @Override
          public void close() throws IOException {
            out.close();
            if (late) {
              throw new IOException("No space left on device");
            }
          }
        };
    return new FSDataOutputStream(full, null);
  }
}
