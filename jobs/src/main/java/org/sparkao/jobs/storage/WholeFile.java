package org.sparkao.jobs.storage;

import java.io.IOException;
import java.io.InputStream;
import java.util.Set;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;

/** Files that are sent in one stream, and are there whole or not at all. */
final class WholeFile {
  private static final Set<String> OBJECT_STORES = Set.of("s3a", "gs");

  private WholeFile() {}

  /** Stores without folders: a file is there when it is whole, and a rename copies it. */
  static boolean isObjectStore(FileSystem files) {
    return OBJECT_STORES.contains(files.getUri().getScheme());
  }

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
    close(files, path, stream);
  }

  /** Object stores would take the closing of a stream for the end of the file. */
  private static void abandon(
      FileSystem files, Path path, FSDataOutputStream stream, Exception why) {
    try {
      if (stream.hasCapability(StreamCapabilities.ABORTABLE_STREAM)) {
        stream.abort();
      } else {
        close(files, path, stream);
        files.delete(path, false);
      }
    } catch (IOException | RuntimeException e) {
      why.addSuppressed(e);
    }
  }

  /**
   * Closes. What that cannot complete has a name in a file system, and is deleted; in an object
   * store it has none, and whatever has the name is another's.
   */
  private static void close(FileSystem files, Path path, FSDataOutputStream stream)
      throws IOException {
    try {
      stream.close();
    } catch (IOException | RuntimeException e) {
      if (!isObjectStore(files)) {
        delete(files, path, e);
      }
      throw e;
    }
  }

  private static void delete(FileSystem files, Path path, Exception why) {
    try {
      files.delete(path, false);
    } catch (IOException | RuntimeException e) {
      why.addSuppressed(e);
    }
  }
}
