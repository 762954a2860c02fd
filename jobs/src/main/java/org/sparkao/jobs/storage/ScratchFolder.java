package org.sparkao.jobs.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A new folder on a local disk, which goes away with all that is in it when this is closed. */
public final class ScratchFolder implements AutoCloseable {
  private final Storage storage;
  private final Path path;

  private ScratchFolder(Storage storage, Path path) {
    this.storage = storage;
    this.path = path;
  }

  /**
   * Makes it, where the storage has files assembled.
   *
   * @param name its name begins so
   */
  public static ScratchFolder create(Storage storage, String name) throws IOException {
    return new ScratchFolder(storage, Files.createTempDirectory(storage.scratch(), name));
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    storage.folder(path.toString()).delete("");
  }
}
