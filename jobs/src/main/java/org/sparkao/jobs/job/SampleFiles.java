package org.sparkao.jobs.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.sparkao.datasets.sample.BundledSample;

/** Files of the bundled sample on a local disk. Each appears whole or not at all. */
public final class SampleFiles {
  private SampleFiles() {}

  /**
   * Copies the checkpoint unless its folder is there.
   *
   * @return whether it was copied
   */
  public static boolean provide(Path checkpoint) throws IOException {
    if (Files.isDirectory(checkpoint)) {
      return false;
    }
    Files.createDirectories(checkpoint.getParent());
    Path partial = Files.createTempDirectory(checkpoint.getParent(), "sample-");
    BundledSample.copyCheckpointTo(partial);
    Files.move(partial, checkpoint, StandardCopyOption.ATOMIC_MOVE);
    return true;
  }

  /** Writes the held-out text, one story a line, unless the file is there. */
  public static void provideText(Path file) throws IOException {
    if (Files.exists(file)) {
      return;
    }
    Files.createDirectories(file.getParent());
    Path partial = Files.createTempFile(file.getParent(), "text-", ".tmp");
    Files.write(partial, BundledSample.heldOutText());
    Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
