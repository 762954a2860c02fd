package org.sparkao.jobs.quantize.run;

import java.util.UUID;
import org.sparkao.jobs.storage.Provenance;

/** Names inside the output folder while a run works on it. */
final class WorkFolder {
  /** The folder of everything temporary; it goes away last. */
  static final String NAME = "_sparkao";

  /** What a finished output says about its run. */
  static final String PROVENANCE = Provenance.FILE;

  private static final String DONE = "done-";
  private static final String PART = "part-";

  private WorkFolder() {}

  static String part(String file, String attempt) {
    return NAME + "/" + PART + file + "-" + attempt + ".tmp";
  }

  static String done(String file, String attempt) {
    return NAME + "/" + DONE + file + "-" + attempt + ".json";
  }

  static boolean isPart(String name) {
    return name.startsWith(PART);
  }

  static boolean isDone(String name) {
    return name.startsWith(DONE);
  }

  static String newAttempt() {
    return UUID.randomUUID().toString();
  }
}
