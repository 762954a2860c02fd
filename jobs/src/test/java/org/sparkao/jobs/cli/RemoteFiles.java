package org.sparkao.jobs.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * A file system that Hadoop alone knows: URIs {@code remote:/path}, files that are only appended
 * to. Fails when told so: a file {@code NAME#anything} in the folder {@code fs.remote.faults} lets
 * one attempt to create a file with NAME in its name fail, {@code NAME#always} all of them; {@code
 * NAME#hold} makes the attempt wait until its task is cancelled and some seconds longer, and tell
 * {@code NAME#ended}; {@code NAME#stall} waits after the file was created, and is renamed to {@code
 * NAME#stalled}.
 */
public final class RemoteFiles extends RawLocalFileSystem {
  private static final URI ROOT = URI.create("remote:///");

  private static final String FAULTS = "fs.remote.faults";
  private static final String ALWAYS = "always";
  private static final String HOLD = "hold";
  private static final String STALL = "stall";
  private static final String STALLED = "#stalled";
  private static final String ENDED = "#ended";
  private static final long LATE_SECONDS = 5;
  private static final long PATIENCE_MILLIS = 120_000;

  /**
   * Spark's settings that make it known, with its faults. Without its cache, which keeps a file
   * system with the settings of whoever asked first in this JVM.
   */
  public static List<String> settings(Path faults) {
    return List.of(
        "spark.hadoop.fs.remote.impl=" + RemoteFiles.class.getName(),
        "spark.hadoop.fs.remote.impl.disable.cache=true",
        "spark.hadoop." + FAULTS + "=" + faults);
  }

  /** The same as options of a command. */
  static List<String> options(Path faults) {
    return settings(faults).stream().flatMap(setting -> Stream.of("--conf", setting)).toList();
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
    FSDataOutputStream stream =
        super.create(file, overwrite, bufferSize, replication, blockSize, progress);
    stallIfTold(file.getName());
    return stream;
  }

  /** As an object store lists: with an ETag that changes whenever a file is written. */
  @Override
  public FileStatus[] listStatus(org.apache.hadoop.fs.Path folder) throws IOException {
    FileStatus[] statuses = super.listStatus(folder);
    for (int i = 0; i < statuses.length; i++) {
      if (statuses[i].isFile()) {
        statuses[i] = new Tagged(statuses[i]);
      }
    }
    return statuses;
  }

  private static final class Tagged extends FileStatus implements EtagSource {
    private static final long serialVersionUID = 1;

    private final String tag;

    private Tagged(FileStatus file) throws IOException {
      super(
          file.getLen(), false, 1, file.getBlockSize(), file.getModificationTime(), file.getPath());
      Path path = Path.of(file.getPath().toUri().getPath());
      this.tag = "tag of " + Files.getAttribute(path, "unix:ctime");
    }

    @Override
    public String getEtag() {
      return tag;
    }
  }

  private void failIfTold(String name) throws IOException {
    String folder = getConf().get(FAULTS);
    if (folder == null) {
      return;
    }
    try (Stream<Path> faults = Files.list(Path.of(folder))) {
      for (Path fault : faults.toList()) {
        String[] told = fault.getFileName().toString().split("#");
        if (name.contains(told[0]) && told[1].equals(HOLD)) {
          hold(Path.of(folder, told[0] + ENDED));
        } else if (name.contains(told[0])
            && !told[1].startsWith(STALL)
            && (told[1].equals(ALWAYS) || Files.deleteIfExists(fault))) {
          throw new IOException("No space left on device");
        }
      }
    }
  }

  /** Waits with a file that was created and is still empty. */
  private void stallIfTold(String name) throws IOException {
    String folder = getConf().get(FAULTS);
    if (folder == null) {
      return;
    }
    try (Stream<Path> faults = Files.list(Path.of(folder))) {
      for (Path fault : faults.toList()) {
        String[] told = fault.getFileName().toString().split("#");
        if (name.contains(told[0]) && told[1].equals(STALL)) {
          Files.move(fault, fault.resolveSibling(told[0] + STALLED));
          Thread.sleep(PATIENCE_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static void hold(Path ended) throws IOException {
    try {
      Thread.sleep(PATIENCE_MILLIS);
      throw new IOException("nobody cancelled the task");
    } catch (InterruptedException e) {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LATE_SECONDS);
      while (System.nanoTime() < end) {
        LockSupport.parkNanos(end - System.nanoTime());
      }
      Files.createFile(ended);
    }
  }
}
