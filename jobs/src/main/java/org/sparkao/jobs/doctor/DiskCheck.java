package org.sparkao.jobs.doctor;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparkao.jobs.job.Texts;

/**
 * Folders of this machine that jobs and Spark put files aside in.
 *
 * @param folders the folders
 * @param neededBytes what has to be free in each
 */
record DiskCheck(Set<Path> folders, long neededBytes) implements Check {
  /** A shard of an object store is assembled here before it is sent. */
  private static final long NEEDED = 6L << 30;

  /** Those of the JVM and of Spark. */
  static DiskCheck of(Map<String, String> environment, Map<String, String> settings) {
    String temporary = System.getProperty("java.io.tmpdir");
    String spark = settings.getOrDefault("spark.local.dir", temporary);
    String local = environment.getOrDefault("SPARK_LOCAL_DIRS", spark);
    Set<Path> folders = new LinkedHashSet<>();
    folders.add(Path.of(temporary));
    Arrays.stream(local.split(",")).map(String::strip).map(Path::of).forEach(folders::add);
    return new DiskCheck(folders, NEEDED);
  }

  @Override
  public String subject() {
    return "disk";
  }

  @Override
  public List<Finding> look() throws IOException {
    List<Finding> findings = new ArrayList<>();
    for (Path folder : folders) {
      findings.add(look(folder));
    }
    return findings;
  }

  private Finding look(Path folder) throws IOException {
    String wayOut = "name another by SPARKAO_JAVA_OPTS=-Djava.io.tmpdir=FOLDER and spark.local.dir";
    if (!Files.isDirectory(folder) || !Files.isWritable(folder)) {
      return Finding.fail(subject(), folder + " is no folder that can be written to", wayOut);
    }
    FileStore store = Files.getFileStore(folder);
    String free = folder + ": " + Texts.bytes(store.getUsableSpace()) + " free";
    return store.getUsableSpace() < neededBytes
        ? Finding.warn(
            subject(),
            free,
            "free some: up to "
                + Texts.bytes(neededBytes)
                + " where output goes to an object store; or "
                + wayOut)
        : Finding.ok(subject(), free);
  }
}
