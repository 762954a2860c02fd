package org.sparkao.quant.checkpoint;

import java.io.IOException;
import java.util.List;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * The files of one folder, on whatever file system. Local folders here, Hadoop file systems in
 * {@code jobs}. Safe for use by several threads.
 */
public interface CheckpointFiles {

  /** The folder, as a user would name it in an error message. */
  String location();

  /** The files directly in the folder, in any order; links are followed. */
  List<FileEntry> files() throws IOException;

  /** Names of the folders directly in the folder. */
  List<String> folders() throws IOException;

  /**
   * Opens one file for reading; the caller closes it.
   *
   * @param name a name as {@link #files} gives it, never a path
   */
  ByteSource open(String name) throws IOException;
}
