package org.sparkao.jobs.maintain;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.sparkao.jobs.table.RunRow;

/** Runs and files of the past. */
final class MaintainFixture {
  private MaintainFixture() {}

  /** A run that began, and ended if it did, so many days ago. */
  static RunRow run(String id, String job, RunRow.Status status, long days, String output) {
    // Tables keep microseconds.
    Instant start =
        Instant.ofEpochSecond(Instant.now().minus(Duration.ofDays(days)).getEpochSecond());
    return new RunRow(
            id,
            job,
            "[]",
            "{}",
            "0.1.0",
            "f".repeat(64),
            RunRow.Status.RUNNING,
            start,
            Optional.empty(),
            "local-1",
            new RunRow.Volume("source", output, "W4A16", 1, 1, 1, 1, 1))
        .with(status, start.plusSeconds(60));
  }

  /** Makes a file that was written so many days ago. */
  static void file(Path file, long days) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "half a file");
    age(file, days);
  }

  /** Makes a file look as if it had been written so many days ago. */
  static void age(Path file, long days) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofDays(days))));
  }
}
