package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.sweep.SweepFixture;

/** A driver that is killed between cells, and one that comes while it lives. */
@Tag("faults")
class TestSweepFaults {
  private static final String SCHEMES = "none, W8A16, W4A16";

  @TempDir private Path folder;

  @Test
  void killedDriverIsSucceededAndTheRowsAreThoseOfAnUndisturbedRun() throws Exception {
    SweepFixture undisturbed = new SweepFixture(folder.resolve("undisturbed"), 24);
    assertThat(undisturbed.run(undisturbed.file(SCHEMES)).code()).isEqualTo(ExitCode.DONE);

    SweepFixture sweep = new SweepFixture(folder.resolve("killed"), 24);
    Path file = sweep.file(SCHEMES);
    RunningCommand first =
        RunningCommand.start(
            folder.resolve("log.txt"),
            "sweep",
            file.toString(),
            "--tables",
            sweep.tables().toString(),
            "--master",
            "local[1]",
            "--conf",
            "spark.ui.enabled=false");
    first.await(() -> Files.exists(sweep.output().resolve("_sparkao/claim-000001.json")));
    assertThat(sweep.run(file).code()).isEqualTo(ExitCode.BUSY);
    first.await(() -> cells(sweep) >= 1);
    first.kill();
    int before = cells(sweep);
    assertThat(before).isLessThan(3);

    JobRun third = sweep.run(file);

    assertThat(third.code()).as(third.out()).isEqualTo(ExitCode.DONE);
    assertThat(third.out()).contains(before + " done, 0 refused");
    assertThat(SweepFixture.said(sweep.cells()))
        .hasSize(3)
        .isEqualTo(SweepFixture.said(undisturbed.cells()));
    assertThat(sweep.runs()).hasSize(1);
    assertThat(TableReader.statuses(sweep.tables())).containsOnly("done");
    assertThat(Files.exists(sweep.output().resolve("_sparkao"))).isFalse();
  }

  private static int cells(SweepFixture sweep) {
    try {
      return sweep.cells().size();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
