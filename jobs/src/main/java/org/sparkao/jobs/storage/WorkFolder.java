package org.sparkao.jobs.storage;

import java.util.UUID;

/** Names of what is unfinished, in the output of a run that works on it. */
public final class WorkFolder {
  /** The folder of everything temporary, claims too; it goes away last. */
  public static final String NAME = "_sparkao";

  private static final String DONE = "done-";
  private static final String PART = "part-";

  private WorkFolder() {}

  /** A file that grows, of one attempt. */
  public static String part(String file, String attempt) {
    return NAME + "/" + PART + file + "-" + attempt + ".tmp";
  }

  /** A file that grows, of this call alone. */
  public static String part(String file) {
    return part(file.substring(file.lastIndexOf('/') + 1), newAttempt());
  }

  /** What an attempt notes of the file that it has finished. */
  public static String done(String file, String attempt) {
    return NAME + "/" + DONE + file + "-" + attempt + ".json";
  }

  /** Whether a file of the folder grew, or still does. */
  public static boolean isPart(String name) {
    return name.startsWith(PART);
  }

  /** Whether a file of the folder is such a note. */
  public static boolean isDone(String name) {
    return name.startsWith(DONE);
  }

  /** A name that nobody else has. */
  public static String newAttempt() {
    return UUID.randomUUID().toString();
  }
}
