package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.FileEntry;

/** Files that must be what they were at planning. */
final class PlannedFiles {
  private PlannedFiles() {}

  /**
   * Looks at files of a folder again.
   *
   * @param planned the files as they were
   * @throws QuantException naming the first that is another one now
   */
  static void require(Folder folder, Collection<FileEntry> planned) throws IOException {
    if (planned.isEmpty()) {
      return;
    }
    Map<String, FileEntry> now = new HashMap<>();
    folder.files().forEach(file -> now.put(file.name(), file));
    for (FileEntry then : planned) {
      FileEntry file = now.get(then.name());
      if (!then.equals(file)) {
        throw new QuantException(
            folder.location()
                + "/"
                + then.name()
                + ": was changed while the run was reading it (planned "
                + then.size()
                + " bytes of "
                + then.version()
                + ", found "
                + (file == null ? "no file" : file.size() + " bytes of " + file.version())
                + "); start again with the checkpoint as it shall be");
      }
    }
  }
}
