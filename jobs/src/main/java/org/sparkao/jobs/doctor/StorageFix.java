package org.sparkao.jobs.doctor;

import java.util.List;
import org.apache.hadoop.util.VersionInfo;

/** The way out of a file system that does not let us in. */
final class StorageFix {
  /** How Hadoop and Java say that nobody knows a file system. */
  private static final List<String> NO_CONNECTOR =
      List.of("ClassNotFoundException", "No FileSystem for scheme");

  private StorageFix() {}

  /**
   * What to do.
   *
   * @param message what went wrong
   * @param otherwise what to do about anything but a connector that is absent
   */
  static String of(String message, String otherwise) {
    return NO_CONNECTOR.stream().anyMatch(message::contains)
        ? "add the connector of this file system for Hadoop "
            + VersionInfo.getVersion()
            + " (hadoop-aws for s3a, hadoop-azure for abfs, the GCS connector for gs) by --packages"
            + " of spark-submit, or its jars to the folder lib"
        : otherwise;
  }
}
