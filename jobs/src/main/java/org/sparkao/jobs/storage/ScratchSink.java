package org.sparkao.jobs.storage;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.fs.FileSystem;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.FileSink;

/**
 * A file of a file system that only appends: assembled on the local disk, then sent in one stream.
 * Needs local space for the whole file.
 */
final class ScratchSink implements ByteSink {
  private final FileSystem files;
  private final org.apache.hadoop.fs.Path target;
  private final Path folder;
  private final FileSink scratch;

  private ScratchSink(
      FileSystem files, org.apache.hadoop.fs.Path target, Path folder, FileSink scratch) {
    this.files = files;
    this.target = target;
    this.folder = folder;
    this.scratch = scratch;
  }

  static ScratchSink open(FileSystem files, org.apache.hadoop.fs.Path target) throws IOException {
    Path folder = Files.createTempDirectory("sparkao-shard-");
    return new ScratchSink(files, target, folder, FileSink.create(file(folder)));
  }

  private static Path file(Path folder) {
    return folder.resolve("shard");
  }

  @Override
  public void write(long position, byte[] buffer, int offset, int length) throws IOException {
    scratch.write(position, buffer, offset, length);
  }

  @Override
  public void commit() throws IOException {
    try (OutputStream stream = files.create(target, false)) {
      Files.copy(file(folder), stream);
    }
  }

  @Override
  public void close() throws IOException {
    scratch.close();
    Files.deleteIfExists(file(folder));
    Files.deleteIfExists(folder);
  }
}
