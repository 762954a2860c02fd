package org.sparkao.jobs.sweep.plan;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.sparkao.jobs.job.SampleFiles;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;

/**
 * Files that travel with the program: {@code bundled:sample} is the sample checkpoint and {@code
 * bundled:held-out} its held-out text, copied into the output where they are named.
 */
public final class BundledFiles {
  private static final String SAMPLE = "bundled:sample";
  private static final String TEXT = "bundled:held-out";

  private final String output;
  private final Optional<Path> scratch;

  /**
   * Copies into an output.
   *
   * @param scratch takes what is not in the output yet, when nothing may be written there
   */
  public BundledFiles(String output, Optional<Path> scratch) {
    this.output = output;
    this.scratch = scratch;
  }

  /** Where a file or folder is; locations of others are as they were. */
  String locate(String location) throws IOException {
    if (location.equals(SAMPLE)) {
      Path folder = place("sample");
      SampleFiles.provide(folder);
      return folder.toString();
    }
    if (location.equals(TEXT)) {
      Path file = place("held-out.txt");
      SampleFiles.provideText(file);
      return file.toString();
    }
    if (location.startsWith("bundled:")) {
      throw new QuantException(location + ": there are " + SAMPLE + " and " + TEXT);
    }
    return location;
  }

  private Path place(String name) {
    Path local =
        Storage.localPath(output)
            .orElseThrow(
                () ->
                    new QuantException(
                        "output "
                            + output
                            + ": bundled files are copied to a folder of this machine; name one"))
            .resolve("bundled")
            .resolve(name);
    return scratch.isEmpty() || Files.exists(local) ? local : scratch.orElseThrow().resolve(name);
  }
}
