package org.sparkao.jobs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.fs.FileSystem;
import org.sparkao.quant.safetensors.ByteSink;

/**
 * A file of a file system that only appends: assembled on the local disk, then sent in one stream.
 * Needs local space for the whole file. The local file has no name while it is written, where the
 * system allows that, so that it ends with the process however that ends.
 */
final class ScratchSink implements ByteSink {
  private final FileSystem files;
  private final org.apache.hadoop.fs.Path target;
  private final FileChannel scratch;

  private ScratchSink(FileSystem files, org.apache.hadoop.fs.Path target, FileChannel scratch) {
    this.files = files;
    this.target = target;
    this.scratch = scratch;
  }

  /**
   * Begins a file.
   *
   * @param folder of the local disk, which exists
   */
  static ScratchSink open(FileSystem files, org.apache.hadoop.fs.Path target, Path folder)
      throws IOException {
    Path file = Files.createTempFile(folder, "sparkao-", ".tmp");
    // On POSIX systems that option takes the name away at once.
    return new ScratchSink(
        files,
        target,
        FileChannel.open(
            file,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE));
  }

  @Override
  public void write(long position, byte[] buffer, int offset, int length) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(buffer, offset, length);
    for (long at = position; rest.hasRemaining(); ) {
      at += scratch.write(rest, at);
    }
  }

  @Override
  public void commit() throws IOException {
    scratch.position(0);
    WholeFile.send(Channels.newInputStream(scratch), files, target, files.create(target, true));
  }

  @Override
  public void close() throws IOException {
    scratch.close();
  }
}
