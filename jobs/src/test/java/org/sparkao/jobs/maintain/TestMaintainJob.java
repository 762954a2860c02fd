package org.sparkao.jobs.maintain;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow.Status;
import org.sparkao.jobs.table.SweepRow;

class TestMaintainJob {
  @TempDir private Path folder;
  private Storage storage;
  private DeltaStore store;

  @BeforeEach
  void open() {
    storage = Storage.ofAssignments(List.of());
    store = new DeltaStore(storage, folder.resolve("tables").toString());
  }

  private JobRun maintain(MaintainJob job, String... options) throws Exception {
    List<String> all = new ArrayList<>(List.of("tables", folder.resolve("tables").toString()));
    all.addAll(List.of(options));
    return JobRun.of(job, all.toArray(String[]::new));
  }

  private Path output(String job, Status status) throws Exception {
    Path output = folder.resolve("output-of-" + job);
    store.replaceRun(MaintainFixture.run(job + "-1", job, status, 40, output.toString()));
    return output;
  }

  /** Parts of tasks that never ended go; what a run can go on from stays. */
  @Test
  void unfinishedFilesGoUnlessADriverLives() throws Exception {
    Path output = output("quantize", Status.RUNNING);
    Path part = output.resolve("_sparkao/part-model-00001.safetensors-x.tmp");
    Path young = output.resolve("_sparkao/part-model-00002.safetensors-x.tmp");
    Path note = output.resolve("_sparkao/done-model-00003.safetensors-x.json");
    Path weights = output.resolve("model-00003.safetensors");
    MaintainFixture.file(part, 9);
    MaintainFixture.file(young, 6);
    MaintainFixture.file(note, 9);
    MaintainFixture.file(weights, 9);
    try (Ownership live =
        Ownership.take(
            storage.folder(output.toString()), "f", Optional.empty(), () -> "r", Ownership.PACE)) {
      assertThat(maintain(new MaintainJob()).code()).isEqualTo(ExitCode.DONE);
      assertThat(part).exists();
      assertThat(live.isMine()).isTrue();
    }
    JobRun dry = maintain(new MaintainJob(), "dry-run", "true");
    assertThat(dry.out())
        .containsPattern("unfinished +" + output + " +1 +11 B\\n")
        .endsWith("nothing was changed\n");
    assertThat(part).exists();
    maintain(new MaintainJob());
    assertThat(part).doesNotExist();
    assertThat(List.of(young, note, weights)).allMatch(Files::exists);
    assertThat(maintain(new MaintainJob()).out()).startsWith("There is nothing to do");
    maintain(new MaintainJob(), "older-than", "5d");
    assertThat(young).doesNotExist();
  }

  @Test
  void unfinishedFilesOfJobsWithoutClaimsGoByTheirAge() throws Exception {
    Path generated = output("generate", Status.FAILED).resolve("_sparkao/uuid/part-1.parquet");
    Path sums = output("calibrate", Status.FAILED).resolve("_sparkao/sums-1-0-0.safetensors");
    Path block = sums.resolveSibling("part-uuid.tmp");
    Path exported = output("export", Status.RUNNING).resolveSibling("output-of-export.parts");
    for (Path file : List.of(generated, sums, block, exported.resolve("0.part"))) {
      MaintainFixture.file(file, 8);
    }
    MaintainFixture.file(exported.resolve("whole"), 1);
    Path logits = folder.resolve("tables/logits");
    MaintainFixture.file(logits.resolve("part-r,x.tmp"), 8);
    MaintainFixture.file(logits.resolve("key-of-no-item.safetensors"), 8);
    MaintainFixture.file(logits.resolve("format.json"), 8);
    maintain(new MaintainJob());
    assertThat(List.of(generated, block)).noneMatch(Files::exists);
    assertThat(sums).exists();
    assertThat(exported.resolve("0.part")).exists();
    assertThat(logits).isDirectoryContaining("glob:**/format.json");
    assertThat(logits).isDirectoryNotContaining("glob:**/*.{tmp,safetensors}");
    MaintainFixture.age(exported.resolve("whole"), 8);
    maintain(new MaintainJob());
    assertThat(exported).isEmptyDirectory();
  }

  /** Merged at once; what was merged is deleted a week later. */
  @Test
  void tablesAreCompactedAndKeepTheirRows() throws Exception {
    for (int step = 1; step <= 3; step++) {
      SweepRow row =
          new SweepRow(
              "sweep-1",
              "s" + step,
              "",
              "",
              new SweepRow.Counts(1, 1, 0, 0, 0),
              Optional.empty(),
              Instant.parse("2026-11-22T10:00:00Z"),
              Optional.empty());
      store.append(SweepRow.TABLE, List.of(row.toRow()), "sweep-1", step);
    }
    assertThat(maintain(new MaintainJob()).out())
        .containsPattern(
            "small files, merged +file://" + store.location(SweepRow.TABLE).substring(7));
    assertThat(store.filesByRun(SweepRow.TABLE).get("sweep-1")).isEqualTo(1);
    assertThat(parquet()).isEqualTo(4);
    MaintainJob later = new MaintainJob(Clock.offset(Clock.systemUTC(), Duration.ofDays(8)));
    maintain(later);
    assertThat(parquet()).isEqualTo(1);
    assertThat(store.read(SweepRow.TABLE))
        .extracting(row -> row.text("sweep"))
        .containsExactlyInAnyOrder("s1", "s2", "s3");
  }

  private long parquet() throws Exception {
    try (var files = Files.list(folder.resolve("tables/sweeps/run_id=sweep-1"))) {
      return files.filter(file -> file.toString().endsWith(".parquet")).count();
    }
  }

  @Test
  void outputThatCannotBeLookedAtIsTold() throws Exception {
    store.replaceRun(MaintainFixture.run("r", "quantize", Status.DONE, 40, "nosuch://bucket/out"));
    Path output = output("train", Status.FAILED);
    Path part = output.resolve("_sparkao/part-x.tmp");
    MaintainFixture.file(part, 9);
    assertThat(maintain(new MaintainJob()).code()).isEqualTo(ExitCode.FAILED);
    assertThat(part).doesNotExist();
  }
}
