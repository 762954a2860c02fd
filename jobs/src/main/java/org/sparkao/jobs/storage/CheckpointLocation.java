package org.sparkao.jobs.storage;

import java.io.IOException;
import java.util.Optional;
import org.sparkao.jobs.storage.hub.HubAddress;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * Where a checkpoint lies.
 *
 * @param folder URI of its folder
 * @param file the only file that counts; empty for the whole folder
 */
public record CheckpointLocation(String folder, Optional<String> file) {
  private static final String SUFFIX = ".safetensors";

  /** A URI of a folder, of one safetensors file, or of a GGUF file. */
  public static CheckpointLocation of(String uri) {
    if (!uri.endsWith(SUFFIX)) {
      return new CheckpointLocation(uri, Optional.empty());
    }
    FileLocation file = FileLocation.of(uri);
    return new CheckpointLocation(file.folder(), Optional.of(file.name()));
  }

  /** Its URI, of a repository at the hub with the commit that was opened. */
  public String uri(Checkpoint opened) {
    String from = HubAddress.isHub(folder) ? opened.location() : folder;
    return file.map(name -> from + "/" + name).orElse(from);
  }

  /** Reads the headers. */
  public Checkpoint open(Storage storage) throws IOException {
    Folder opened = storage.folder(folder);
    if (folder.endsWith(GgufFolder.SUFFIX) && !(opened instanceof GgufFolder)) {
      throw new QuantException(folder + ": there is no such file; check the path");
    }
    return file.isPresent()
        ? Checkpoint.openFile(opened, file.orElseThrow())
        : Checkpoint.open(opened);
  }
}
