package org.sparkao.jobs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
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

  @Test
  void whatCannotBeSentWholeIsNotThere(@TempDir Path temp) throws Exception {
    Path target = temp.resolve("file");
    try (FileSystem files = new FullDisk()) {
      files.initialize(java.net.URI.create("full:///"), new Configuration());
      try (ScratchSink sink =
          ScratchSink.open(files, new org.apache.hadoop.fs.Path(target.toString()), temp)) {
        sink.write(0, new byte[] {1, 2}, 0, 2);
        assertThatThrownBy(sink::commit).hasMessage("No space left on device");
      }
    }
    assertThat(target).doesNotExist();
  }
}
