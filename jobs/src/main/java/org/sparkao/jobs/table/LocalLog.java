package org.sparkao.jobs.table;

import io.delta.storage.LocalLogStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Commits to tables on a local disk. Delta's own log store renames, which on a local disk replaces
 * a commit that another process made in between; a hard link fails instead.
 */
public final class LocalLog extends LocalLogStore {

  /** Made by Delta from the name of the class. */
  public LocalLog(Configuration configuration) {
    super(configuration);
  }

  @Override
  public void write(
      Path path, Iterator<String> actions, Boolean overwrite, Configuration configuration)
      throws IOException {
    if (overwrite) {
      super.write(path, actions, overwrite, configuration);
      return;
    }
    java.nio.file.Path commit = java.nio.file.Path.of(path.toUri().getPath());
    Files.createDirectories(commit.getParent());
    java.nio.file.Path whole =
        commit.resolveSibling("." + commit.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      StringBuilder text = new StringBuilder();
      actions.forEachRemaining(action -> text.append(action).append('\n'));
      try (FileChannel file =
          FileChannel.open(whole, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
          file.write(bytes);
        }
        file.force(true);
      }
      Files.createLink(commit, whole);
    } finally {
      Files.deleteIfExists(whole);
    }
  }
}
