package org.sparkao.jobs.table;

import io.delta.storage.S3SingleDriverLogStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.sparkao.jobs.storage.NewFile;

/**
 * Commits to tables on S3. Delta's own log store keeps only the drivers of one JVM apart; a
 * conditional write keeps all of them apart.
 */
public final class S3Log extends S3SingleDriverLogStore {
  /** Buckets that hold to conditional writes. */
  private static final Set<String> TRIED = ConcurrentHashMap.newKeySet();

  /** Made by Delta from the name of the class. */
  public S3Log(Configuration configuration) {
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
    FileSystem files = path.getFileSystem(configuration);
    String bucket = files.getUri().toString();
    if (!TRIED.contains(bucket)) {
      NewFile.requireExclusive(files, path.getParent());
      TRIED.add(bucket);
    }
    StringBuilder text = new StringBuilder();
    actions.forEachRemaining(action -> text.append(action).append('\n'));
    if (!NewFile.create(files, path, text.toString().getBytes(StandardCharsets.UTF_8))) {
      throw new FileAlreadyExistsException(path.toString());
    }
  }
}
