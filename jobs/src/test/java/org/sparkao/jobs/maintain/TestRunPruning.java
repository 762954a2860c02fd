package org.sparkao.jobs.maintain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.cli.RemoteFiles;
import org.sparkao.jobs.describe.RunsJob;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.RunRow.Status;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.quant.QuantException;

class TestRunPruning {
  @TempDir private Path folder;
  private Storage storage;
  private DeltaStore store;

  @BeforeEach
  void open() {
    storage = Storage.ofAssignments(List.of());
    store = new DeltaStore(storage, folder.resolve("tables").toString());
  }

  private RunRow put(DeltaStore into, String id, String job, Status status, long days)
      throws Exception {
    RunRow run = MaintainFixture.run(id, job, status, days, folder.resolve(id).toString());
    into.replaceRun(run);
    into.append(ShardRow.TABLE, List.of(shard(id)), id, 1);
    return run;
  }

  private static List<Object> shard(String run) {
    return new ShardRow(
            run,
            "f",
            "model.safetensors",
            5,
            5,
            3,
            42,
            new ShardRow.Attempt("a", 1, "driver", "host", Instant.parse("2026-11-22T10:00:00Z")))
        .toRow(1);
  }

  private List<String> runs() throws Exception {
    return store.read(RunRow.TABLE).stream().map(row -> row.text("run_id")).sorted().toList();
  }

  private JobRun prune(String... options) throws Exception {
    List<String> all =
        new ArrayList<>(List.of("tables", folder.resolve("tables").toString(), "prune", "true"));
    all.addAll(List.of(options));
    return JobRun.of(new RunsJob(), all.toArray(String[]::new));
  }

  @Test
  void oldFailedRunsGoAndOthersStay() throws Exception {
    put(store, "a-failed", "quantize", Status.FAILED, 40);
    put(store, "b-refused", "evaluate", Status.REFUSED, 31);
    put(store, "c-done", "quantize", Status.DONE, 40);
    put(store, "d-young", "quantize", Status.FAILED, 29);
    put(store, "e-running", "quantize", Status.RUNNING, 40);

    JobRun dry = prune("dry-run", "true");
    assertThat(dry.out()).containsPattern("a-failed +quantize +failed .* to take out");
    assertThat(runs()).hasSize(5);

    JobRun wet = prune();
    assertThat(wet.lines()).hasSize(4).last().isEqualTo("2 runs were taken out");
    assertThat(runs()).containsExactly("c-done", "d-young", "e-running");
    assertThat(store.filesByRun(ShardRow.TABLE)).containsOnlyKeys("c-done", "d-young", "e-running");

    assertThat(prune("status", "done", "older-than", "39d").out()).contains("c-done");
    assertThat(runs()).containsExactly("d-young", "e-running");
    assertThatThrownBy(
            () -> JobRun.of(new RunsJob(), "tables", folder.toString(), "older-than", "3d"))
        .isInstanceOf(QuantException.class)
        .hasMessage("--older-than goes with --prune alone");
    assertThatThrownBy(() -> prune("older-than", "3 days"))
        .hasMessage("--older-than 3 days: use hours or days, such as 12h or 30d");
  }

  /** Claims say it, or rows that were written lately. */
  @Test
  void runsOfLivingDriversStay() throws Exception {
    put(store, "claimed", "quantize", Status.RUNNING, 40);
    put(store, "dead", "quantize", Status.RUNNING, 40);
    put(store, "at-work", "evaluate", Status.RUNNING, 40);
    store.replaceRun(MaintainFixture.run("somewhere", "sweep", Status.RUNNING, 40, "./out"));
    RunRow silent = MaintainFixture.run("silent", "evaluate", Status.RUNNING, 40, "");
    store.replaceRun(silent);
    try (Stream<Path> files = Files.list(folder.resolve("tables/runs/run_id=silent"))) {
      for (Path file : files.toList()) {
        MaintainFixture.age(file, 35);
      }
    }
    try (Ownership live =
        Ownership.take(
            storage.folder(folder.resolve("claimed").toString()),
            "f",
            Optional.empty(),
            () -> "claimed",
            Ownership.PACE)) {
      JobRun run = prune("status", "running");
      assertThat(run.out())
          .containsPattern(
              "claimed .* kept: its output has run " + live.runId() + " \\(process \\d+")
          .containsPattern("at-work .* kept: wrote rows at 20")
          .containsPattern("somewhere .* kept: its output ./out may be anywhere")
          .containsPattern("dead .* taken out")
          .containsPattern("silent .* taken out");
      assertThat(runs()).containsExactly("at-work", "claimed", "somewhere");
    }
    prune("status", "running");
    assertThat(runs()).containsExactly("at-work", "somewhere");
  }

  @Test
  void whatSomebodyWentOnWithStays() throws Exception {
    RunRow seen = put(store, "r", "quantize", Status.FAILED, 40);
    store.replaceRun(seen.with(Status.RUNNING, Instant.now()));
    RunPruning pruning = new RunPruning(storage, store, Instant.now(), EnumSet.of(Status.FAILED));
    assertThat(pruning.remove(seen)).isFalse();
    assertThat(store.filesByRun(ShardRow.TABLE)).containsKey("r");
  }

  /** The store fails when it has taken out the rows of one table. */
  @Test
  void pruningThatWasBrokenOffIsDoneAgain() throws Exception {
    Path faults = Files.createDirectories(folder.resolve("faults"));
    List<String> settings = new ArrayList<>(RemoteFiles.settings(faults));
    settings.add(
        "spark.hadoop.io.delta.kernel.logStore.remote.impl=io.delta.storage.AzureLogStore");
    Storage remote = Storage.ofAssignments(settings);
    DeltaStore there = new DeltaStore(remote, "remote:" + folder.resolve("remote"));
    RunRow run = put(there, "r", "evaluate", Status.FAILED, 40);
    there.append(EvalResultRow.TABLE, List.of(result()), "r", 1);
    RunPruning pruning = new RunPruning(remote, there, Instant.now(), EnumSet.of(Status.FAILED));
    there.append(ShardRow.TABLE, List.of(shard("r")), "r", 2);
    // The next commit of eval_results has number 1, that of shards number 2.
    Path fault = Files.createFile(faults.resolve("00000000000000000001.json#always"));
    assertThatThrownBy(() -> pruning.remove(run))
        .hasStackTraceContaining("No space left on device");
    assertThat(there.read(ShardRow.TABLE)).isEmpty();
    assertThat(there.read(EvalResultRow.TABLE)).hasSize(1);
    assertThat(there.read(RunRow.TABLE)).hasSize(1);
    Files.delete(fault);
    assertThat(pruning.candidates()).hasSize(1);
    assertThat(pruning.remove(run)).isTrue();
    assertThat(there.read(RunRow.TABLE)).isEmpty();
    assertThat(there.read(ShardRow.TABLE)).isEmpty();
    assertThat(there.read(EvalResultRow.TABLE)).isEmpty();
  }

  private static List<Object> result() {
    EvalResultRow.Spread spread =
        new EvalResultRow.Spread(OptionalDouble.empty(), OptionalLong.empty());
    return new EvalResultRow("r", "task", "1", "acc", 0.5, spread, 1, Instant.EPOCH).toRow(1);
  }
}
