package org.sparkao.jobs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestScratchSink {
  @Test
  void hasNoNameThatAKilledProcessCouldLeave(@TempDir Path temp) throws Exception {
    Path scratch = Files.createDirectories(temp.resolve("scratch"));
    Path target = temp.resolve("file");
    Configuration configuration = new Configuration();
    try (FileSystem files = new RawLocalFileSystem()) {
      files.initialize(java.net.URI.create("file:///"), configuration);
      try (ScratchSink sink =
          ScratchSink.open(files, new org.apache.hadoop.fs.Path(target.toString()), scratch)) {
        sink.write(3, new byte[] {4, 5}, 0, 2);
        assertThat(scratch).isEmptyDirectory();
        sink.write(0, new byte[] {9, 1, 2, 3}, 1, 3);
        assertThat(target).doesNotExist();
        sink.commit();
      }
    }
    assertThat(target).hasBinaryContent(new byte[] {1, 2, 3, 4, 5});
    assertThat(scratch).isEmptyDirectory();
  }

  /** A disk that is full after one byte. */
  private static final class Full extends RawLocalFileSystem {
    @Override
    public FSDataOutputStream create(
        org.apache.hadoop.fs.Path file,
        boolean overwrite,
        int bufferSize,
        short replication,
        long blockSize,
        Progressable progress)
        throws IOException {
      FSDataOutputStream stream =
          super.create(file, overwrite, bufferSize, replication, blockSize, progress);
      OutputStream full =
          new FilterOutputStream(stream) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
              out.write(bytes, offset, 1);
              throw new IOException("No space left on device");
            }
          };
      return new FSDataOutputStream(full, null);
    }
  }

  @Test
  void whatCannotBeSentWholeIsNotThere(@TempDir Path temp) throws Exception {
    Path target = temp.resolve("file");
    try (FileSystem files = new Full()) {
      files.initialize(java.net.URI.create("file:///"), new Configuration());
      try (ScratchSink sink =
          ScratchSink.open(files, new org.apache.hadoop.fs.Path(target.toString()), temp)) {
        sink.write(0, new byte[] {1, 2}, 0, 2);
        assertThatThrownBy(sink::commit).hasMessage("No space left on device");
      }
    }
    assertThat(target).doesNotExist();
  }
}
