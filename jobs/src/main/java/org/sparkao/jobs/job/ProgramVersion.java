package org.sparkao.jobs.job;

import java.util.Optional;

/** Which program this is: version and commit, written into the jar's manifest by the build. */
public final class ProgramVersion {
  private ProgramVersion() {}

  /**
   * Such as {@code 0.1.0 3d5b631}, with {@code -dirty} when the sources had uncommitted changes;
   * {@code development} when the classes did not come from a jar.
   */
  public static String current() {
    return Optional.ofNullable(ProgramVersion.class.getPackage().getImplementationVersion())
        .orElse("development");
  }
}
