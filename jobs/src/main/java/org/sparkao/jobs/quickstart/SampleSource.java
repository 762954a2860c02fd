package org.sparkao.jobs.quickstart;

import java.io.IOException;
import java.nio.file.Path;

/** Where the checkpoint of the quickstart comes from. */
@FunctionalInterface
interface SampleSource {

  /** Writes the files of the checkpoint into a folder that does not exist yet. */
  void copyTo(Path folder) throws IOException;
}
