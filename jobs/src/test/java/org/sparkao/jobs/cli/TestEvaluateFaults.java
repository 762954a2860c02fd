package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.evaluate.EvaluateFixture;
import org.sparkao.jobs.table.EvalItemRow;

/** Processes that are killed while they evaluate: the rows in the end are the same. */
@Tag("faults")
class TestEvaluateFaults {
  private static final int ITEMS = 400;

  @TempDir private static Path shared;
  private static Path model;
  private static List<Object> undisturbed;

  @TempDir private Path temp;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    Path folder = Files.createDirectories(shared.resolve("undisturbed"));
    RunningCommand command = start(folder, "local[2]");
    assertThat(command.join()).as(command.log()).isZero();
    undisturbed = EvaluateFixture.said(items(folder));
    assertThat(undisturbed).hasSize(ITEMS);
  }

  @Test
  void killedExecutorIsReplaced() throws Exception {
    RunningCommand command = start(temp, "local-cluster[2,1,1024]");
    command.await(() -> beginsToCompute(temp));
    command.killExecutor();

    assertThat(command.join()).as(command.log()).isZero();

    assertThat(command.log()).containsPattern("Lost executor \\d+ on");
    assertThat(EvaluateFixture.said(items(temp))).isEqualTo(undisturbed);
  }

  private static RunningCommand start(Path folder, String master) throws IOException {
    List<String> args = new ArrayList<>(List.of("evaluate", "--checkpoint", model.toString()));
    args.addAll(List.of("--tasks", "sample", "--data", ".", "--limit", Integer.toString(ITEMS)));
    args.addAll(List.of("--device", "cpu", "--tables", "tables", "--run-id", "r"));
    args.addAll(List.of("--partitions", "200", "--batch-tokens", "256"));
    args.addAll(List.of("--master", master, "--conf", "spark.ui.enabled=false"));
    if (master.startsWith("local-cluster")) {
      args.addAll(RunningCommand.clusterSettings());
    }
    return RunningCommand.start(folder.resolve("log.txt"), args.toArray(String[]::new));
  }

  /** It says how it computes just before the items. */
  private static boolean beginsToCompute(Path folder) {
    try {
      return Files.readString(folder.resolve("log.txt")).contains("numerics: ");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<EvalItemRow> items(Path folder) {
    try {
      return TableReader.rows(folder.resolve("tables"), EvalItemRow.TABLE).stream()
          .map(EvalItemRow::of)
          .sorted(Comparator.comparing(row -> row.item().index()))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
