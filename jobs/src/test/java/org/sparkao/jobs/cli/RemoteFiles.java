package org.sparkao.jobs.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * A file system that Hadoop alone knows: URIs {@code remote:/path}, files that are only appended
 * to. Fails when told so: a file {@code NAME#anything} in the folder {@code fs.remote.faults} lets
 * one attempt to create a file with NAME in its name fail, {@code NAME#always} all of them.
 */
public final class RemoteFiles extends RawLocalFileSystem {
  private static final URI ROOT = URI.create("remote:///");

  /** Tells Spark of it. */
  static final String SETTING = "spark.hadoop.fs.remote.impl=" + RemoteFiles.class.getName();

  private static final String FAULTS = "fs.remote.faults";
  private static final String ALWAYS = "always";

  /** The options that make it known, with its faults. */
  static List<String> settings(Path faults) {
    return List.of("--conf", SETTING, "--conf", "spark.hadoop." + FAULTS + "=" + faults);
  }

  @Override
  public URI getUri() {
    return ROOT;
  }

  @Override
  public String getScheme() {
    return ROOT.getScheme();
  }

  @Override
  public FSDataOutputStream create(
      org.apache.hadoop.fs.Path file,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    failIfTold(file.getName());
    return super.create(file, overwrite, bufferSize, replication, blockSize, progress);
  }

  private void failIfTold(String name) throws IOException {
    String folder = getConf().get(FAULTS);
    if (folder == null) {
      return;
    }
    try (Stream<Path> faults = Files.list(Path.of(folder))) {
      for (Path fault : faults.toList()) {
        String[] told = fault.getFileName().toString().split("#");
        if (name.contains(told[0]) && (told[1].equals(ALWAYS) || Files.deleteIfExists(fault))) {
          throw new IOException("No space left on device");
        }
      }
    }
  }
}
