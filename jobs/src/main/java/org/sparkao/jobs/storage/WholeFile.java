package org.sparkao.jobs.storage;

import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;

/** Files that are sent in one stream, and are there whole or not at all. */
final class WholeFile {
  private WholeFile() {}

  /**
   * Sends all of a file, and closes the stream. What cannot be sent whole is taken back, where
   * stores allow it.
   *
   * @param stream of the file, in which nothing is yet
   */
  static void send(InputStream content, FileSystem files, Path path, FSDataOutputStream stream)
      throws IOException {
    try {
      content.transferTo(stream);
      stream.flush();
    } catch (IOException | RuntimeException e) {
      abandon(files, path, stream, e);
      throw e;
    }
    stream.close();
  }

  /** Object stores would take the closing of a stream for the end of the file. */
  private static void abandon(
      FileSystem files, Path path, FSDataOutputStream stream, Exception why) {
    try {
      if (stream.hasCapability(StreamCapabilities.ABORTABLE_STREAM)) {
        stream.abort();
        return;
      }
      try {
        stream.close();
      } finally {
        files.delete(path, false);
      }
    } catch (IOException | RuntimeException e) {
      why.addSuppressed(e);
    }
  }
}
