package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.evaluate.EvaluateFixture;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.table.EvalItemRow;

/** Processes that are killed while they evaluate: the rows in the end are the same. */
@Tag("faults")
class TestEvaluateFaults {
  private static final int ITEMS = 240;
  private static final int STORED = 60;
  private static final String RUN = "r";

  @TempDir private static Path shared;
  private static Path model;
  private static List<Object> undisturbed;

  @TempDir private Path temp;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    Path folder = Files.createDirectories(shared.resolve("undisturbed"));
    run(folder, RUN, ITEMS);
    undisturbed = EvaluateFixture.said(items(folder, RUN));
    assertThat(undisturbed).hasSize(ITEMS);
  }

  /** What another run had stored is not computed again, and a run that is done not at all. */
  @Test
  void killedDriverGoesOnWhereItWas() throws Exception {
    run(temp, "before", STORED);
    Set<String> stored = keys(items(temp, "before"));
    assertThat(stored).hasSize(STORED);
    RunningCommand killed = start(temp, "local[2]");
    killed.await(() -> logits(temp) > 2 * STORED);
    killed.kill();
    assertThat(statuses(temp)).containsExactlyInAnyOrder("done", "running");
    assertThat(items(temp, RUN)).hasSizeLessThan(ITEMS);

    for (int i = 0; i < 2; i++) {
      assertThat(run(temp, RUN, ITEMS))
          .containsPattern("\\d+ of " + ITEMS + " items are stored already");
      assertThat(statuses(temp)).containsExactly("done", "done");
      List<EvalItemRow> rows = items(temp, RUN);
      assertThat(EvaluateFixture.said(rows)).isEqualTo(undisturbed);
      assertThat(rows)
          .allSatisfy(
              row ->
                  assertThat(row.origin().run())
                      .isEqualTo(stored.contains(row.key().id()) ? "before" : RUN));
    }
  }

  /** Both compute under one name, one of them in this process; one row of each item stays. */
  @Test
  void twoDriversOfOneRunBothFinish() throws Exception {
    RunningCommand other = start(temp, "local[1]");
    other.await(() -> beginsToCompute(temp));
    run(temp, RUN, ITEMS);

    assertThat(other.join()).as(other.log()).isZero();

    assertThat(statuses(temp)).containsExactly("done");
    assertThat(EvaluateFixture.said(items(temp, RUN))).isEqualTo(undisturbed);
  }

  @Test
  void killedExecutorIsReplaced() throws Exception {
    RunningCommand command = start(temp, "local-cluster[2,1,1024]");
    command.await(() -> beginsToCompute(temp));
    command.killExecutor();

    assertThat(command.join()).as(command.log()).isZero();

    assertThat(command.log()).containsPattern("Lost executor \\d+ on");
    assertThat(EvaluateFixture.said(items(temp, RUN))).isEqualTo(undisturbed);
  }

  /** In this process; returns what it says beside its results. */
  private static String run(Path folder, String run, int items) {
    Command command = new Command();
    assertThat(command.run(arguments("local[2]", folder, run, items)))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    return command.err();
  }

  private static RunningCommand start(Path folder, String master) throws IOException {
    return RunningCommand.start(folder.resolve("log.txt"), arguments(master, folder, RUN, ITEMS));
  }

  private static String[] arguments(String master, Path folder, String run, int items) {
    List<String> args = new ArrayList<>(List.of("evaluate", "--checkpoint", model.toString()));
    args.addAll(List.of("--tasks", "sample", "--data", ".", "--limit", Integer.toString(items)));
    args.addAll(List.of("--device", "cpu", "--run-id", run, "--store-logits"));
    args.addAll(List.of("--tables", folder.resolve("tables").toString()));
    args.addAll(List.of("--partitions", "60", "--batch-tokens", "256"));
    args.addAll(List.of("--master", master, "--conf", "spark.ui.enabled=false"));
    if (master.startsWith("local-cluster")) {
      args.addAll(RunningCommand.clusterSettings());
    }
    return args.toArray(String[]::new);
  }

  /** It says how it computes just before the items. */
  private static boolean beginsToCompute(Path folder) {
    try {
      return Files.readString(folder.resolve("log.txt")).contains("numerics: ");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Files of logits, of which every item writes one as soon as it is computed. */
  private static int logits(Path folder) {
    String[] files =
        folder
            .resolve("tables/logits")
            .toFile()
            .list((logits, name) -> name.endsWith(".safetensors"));
    return files == null ? 0 : files.length;
  }

  private static List<String> statuses(Path folder) throws IOException {
    return TableReader.statuses(folder.resolve("tables"));
  }

  private static Set<String> keys(List<EvalItemRow> rows) {
    return rows.stream().map(row -> row.key().id()).collect(Collectors.toSet());
  }

  private static List<EvalItemRow> items(Path folder, String run) throws IOException {
    return TableReader.rows(folder.resolve("tables"), EvalItemRow.TABLE).stream()
        .map(EvalItemRow::of)
        .filter(row -> row.runId().equals(run))
        .sorted(Comparator.comparing(row -> row.item().index()))
        .toList();
  }
}
