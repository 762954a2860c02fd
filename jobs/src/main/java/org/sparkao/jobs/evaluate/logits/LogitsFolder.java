package org.sparkao.jobs.evaluate.logits;

import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.UUID;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;

/**
 * The folder of files of logits, as one run uses it. Travels to the executors.
 *
 * @param location absolute
 * @param run whose parts it writes
 * @param vocabulary logits of a token
 */
public record LogitsFolder(String location, String run, int vocabulary) implements Serializable {
  private static final String ABOUT = "format.json";
  private static final String ABOUT_TEXT = "{\"format\": \"sparkao-logits\", \"version\": 1}\n";

  /** Makes the folder, and deletes what killed attempts of this run have left in it. */
  public void prepare(Storage storage) throws IOException {
    storage.folder(location).create(ABOUT, ABOUT_TEXT.getBytes(StandardCharsets.UTF_8));
    deleteParts(storage);
  }

  /** Deletes unfinished files of this run; other runs may be writing theirs. */
  public void deleteParts(Storage storage) throws IOException {
    Folder folder = storage.folder(location);
    for (String name : folder.list("")) {
      if (name.startsWith(partPrefix())) {
        folder.delete(name);
      }
    }
  }

  /** Names of all finished files, of whatever run. */
  public Set<String> names(Storage storage) throws IOException {
    return Set.copyOf(storage.folder(location).list(""));
  }

  /** A name for a file that is being written; no two attempts share one. */
  String newPart() {
    return partPrefix() + UUID.randomUUID() + ".tmp";
  }

  /** No name of a run has a comma, so that none begins with another one's prefix. */
  private String partPrefix() {
    return "part-" + run + ",";
  }
}
