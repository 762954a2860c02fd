package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.Optional;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;

/**
 * The data of tasks, on a local disk. What lies elsewhere is copied, but for Parquet: Spark reads
 * it where it is, and an empty file stands for it.
 *
 * @param folder the local folder
 * @param remote URI of the data where that is not local
 */
public record DataFiles(Path folder, Optional<String> remote) {
  private static final String PARQUET = ".parquet";

  /**
   * The folder itself where it is local; else a new one with the files of some tasks.
   *
   * @param scratch where that is made; whoever owns it deletes it
   */
  public static DataFiles local(
      Storage storage, String location, List<EvaluationTask> tasks, Path scratch)
      throws IOException {
    Optional<Path> path = Storage.localPath(location);
    if (path.isPresent()) {
      return new DataFiles(path.orElseThrow(), Optional.empty());
    }
    Folder remote = storage.folder(location);
    DataFiles copies =
        new DataFiles(Files.createTempDirectory(scratch, "data-"), Optional.of(remote.location()));
    for (EvaluationTask task : tasks) {
      for (String file : task.files()) {
        copies.copy(remote, file);
      }
    }
    return copies;
  }

  private void copy(Folder remote, String pattern) throws IOException {
    int slash = pattern.lastIndexOf('/');
    String parent = slash < 0 ? "" : pattern.substring(0, slash);
    PathMatcher matcher =
        FileSystems.getDefault().getPathMatcher("glob:" + pattern.substring(slash + 1));
    for (String name : remote.list(parent)) {
      String file = parent.isEmpty() ? name : parent + "/" + name;
      Path copy = folder.resolve(file);
      if (matcher.matches(Path.of(name)) && remote.size(file).isPresent() && !Files.exists(copy)) {
        if (name.endsWith(PARQUET)) {
          Storage.requireReadableBySpark(remote.location() + "/" + file);
        }
        Files.createDirectories(copy.getParent());
        Files.write(copy, name.endsWith(PARQUET) ? new byte[0] : remote.read(file));
      }
    }
  }

  /** A message about files of the local folder, with where they really are. */
  public String told(String message) {
    return remote.map(uri -> message.replace(folder.toString(), uri)).orElse(message);
  }

  /** Where a file of the local folder really is, for Spark. */
  public String uri(Path file) {
    return remote
        .map(uri -> uri + "/" + folder.relativize(file).toString().replace('\\', '/'))
        .orElseGet(() -> file.toAbsolutePath().toUri().toString());
  }
}
