package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;

/** The files of a checkpoint that a tokenizer is opened from, on a local disk. */
public final class TokenizerFiles {
  private static final List<String> NAMES =
      List.of(
          "tokenizer.json",
          "tokenizer.model",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "generation_config.json",
          "config.json",
          "chat_template.jinja");

  private TokenizerFiles() {}

  /**
   * The checkpoint's folder where it is one on a local disk; else a new folder with copies.
   *
   * @param scratch where that is made; whoever owns it deletes it
   */
  public static Path local(Storage storage, String location, Path scratch) throws IOException {
    Optional<Path> path = Storage.localPath(location).filter(Files::isDirectory);
    if (path.isPresent()) {
      return path.orElseThrow();
    }
    Folder folder = storage.folder(location);
    Path copy = Files.createTempDirectory(scratch, "tokenizer-");
    for (String name : NAMES) {
      if (folder.size(name).isPresent()) {
        Files.write(copy.resolve(name), folder.read(name));
      }
    }
    return copy;
  }
}
