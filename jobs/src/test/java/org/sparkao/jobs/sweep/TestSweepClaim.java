package org.sparkao.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.run.Ownership;

/**
 * A driver lives while it plans, hashes, shows the plan, compares, and when it has nothing to do.
 */
class TestSweepClaim {
  @TempDir private Path folder;

  /** Waits for a beat whenever a line comes. */
  private static final class Lines extends OutputStream {
    private final Path claims;
    private int lines;

    private Lines(Path claims) {
      this.claims = claims;
    }

    @Override
    public void write(int letter) throws IOException {
      if (letter != '\n') {
        return;
      }
      lines++;
      beats().forEach(beat -> beat.toFile().delete());
      long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
      while (beats().isEmpty()) {
        assertThat(System.nanoTime()).as("no beat for a minute").isLessThan(end);
      }
    }

    private List<Path> beats() throws IOException {
      try (Stream<Path> files = Files.list(claims)) {
        return files.filter(file -> file.getFileName().toString().startsWith("beat-")).toList();
      }
    }
  }

  @Test
  void claimBeatsAtEveryLineThatIsTold() throws Exception {
    SweepFixture sweep = new SweepFixture(folder, 8);
    SweepJob job = new SweepJob(new Ownership.Pace(Duration.ofSeconds(1), Duration.ofMillis(2)));
    Config config =
        JobRun.config(
            job, "file", sweep.file("none").toString(), "tables", sweep.tables().toString());
    for (ExitCode code : List.of(ExitCode.DONE, ExitCode.NOTHING_TO_DO)) {
      Lines lines = new Lines(sweep.output().resolve("_sparkao"));
      PrintStream out = new PrintStream(lines, true, StandardCharsets.UTF_8);
      PrintStream err =
          new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8);
      assertThat(job.run(config, new Console(out, err, Console.Terminal.PLAIN))).isEqualTo(code);
      assertThat(out.checkError()).isFalse();
      assertThat(lines.lines).isGreaterThan(5);
      assertThat(sweep.output().resolve("_sparkao")).doesNotExist();
    }
  }
}
