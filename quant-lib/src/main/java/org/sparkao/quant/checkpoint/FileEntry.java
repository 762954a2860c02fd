package org.sparkao.quant.checkpoint;

import java.util.Objects;

/**
 * A file of a checkpoint folder.
 *
 * @param name within the folder, without any path
 * @param size length in bytes
 * @param version changes whenever the content does: modification time, or the ETag of an object
 */
public record FileEntry(String name, long size, String version) {

  /** All parts are given. */
  public FileEntry {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(version, "version");
  }
}
