package org.sparkao.jobs.maintain;

import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.table.RunRow;

/** What is known of the outputs of jobs. */
final class Outputs {
  private static final Set<String> WITH_CLAIM = Set.of("quantize", "train", "sweep");
  private static final Set<String> WITH_WORK =
      Set.of("quantize", "train", "sweep", "calibrate", "generate");
  private static final String EXPORT = "export";

  private Outputs() {}

  /** Whether drivers of the run's job claim its output. */
  static boolean hasClaim(RunRow run) {
    return WITH_CLAIM.contains(run.job());
  }

  /** Whether the run's job has such a folder in its output. */
  static boolean hasWork(RunRow run) {
    return WITH_WORK.contains(run.job());
  }

  /** Whether the run's output is a file that grows in a folder beside it. */
  static boolean isFile(RunRow run) {
    return run.job().equals(EXPORT);
  }

  /**
   * Whether it is known where the output is: runs of before name some by where they were started.
   */
  static boolean isAbsolute(RunRow run) {
    return run.input().output().matches("(/|[A-Za-z][A-Za-z0-9+.-]+:/).*");
  }

  /** Who has an output now. */
  static Optional<String> holder(Folder output) throws IOException, InterruptedException {
    return Ownership.holder(output, Ownership.PACE.patience());
  }
}
