package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.TinyCheckpoint;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** Commits that a killed driver left half done, and files that are not what their rows say. */
class TestRowCommitter {
  private final Storage storage = Storage.ofSettings(Map.of());

  @TempDir private Path temp;
  private QuantizePlan plan;
  private Folder output;
  private DeltaStore store;
  private Ownership ownership;
  private OutcomeRows rows;

  @BeforeEach
  void plan() throws Exception {
    TinyCheckpoint.copyTo(temp.resolve("source"));
    Arithmetic arithmetic =
        new Arithmetic(
            WeightAlgorithm.RTN, Numerics.COMPRESSED_TENSORS, CheckpointLayout.COMPRESSED_TENSORS);
    plan =
        new QuantizePlanner(
                new Recipe(Schemes.parse("W8A16"), List.of(), arithmetic, 40_000), GivenFiles.NONE)
            .plan(
                Checkpoint.open(storage.folder(temp.resolve("source").toString())),
                Optional.empty());
    assertThat(plan.shards()).hasSizeGreaterThan(3);
    output = storage.folder(temp.resolve("output").toString());
    store = new DeltaStore(storage, temp.resolve("tables").toString());
    ownership =
        Ownership.take(output, plan.fingerprint(), Optional.empty(), () -> "run", Ownership.PACE);
    rows = new OutcomeRows("run", plan.fingerprint(), arithmetic, module -> false);
  }

  private RowCommitter committer() {
    return new RowCommitter(store, output, ownership, rows, plan.shards());
  }

  /** Writes a file as a task does, with its note. */
  private ShardOutcome write(ShardTask task, String attempt) throws IOException {
    ShardSettings settings =
        new ShardSettings(
            new Planned(temp.resolve("source").toString(), List.of()),
            Planned.NONE,
            Planned.NONE,
            output.location(),
            plan.arithmetic(),
            List.of(),
            NonFinitePolicy.KEEP,
            PlannedDevice.processor("test"));
    Files.deleteIfExists(temp.resolve("output").resolve(task.file()));
    ShardOutcome outcome =
        new ShardOutcome(
            task.file(),
            task.header(plan.arithmetic()).fileBytes(),
            new ShardFile(settings, storage, bytes -> {}, new TaskClock())
                .write(task, output, task.file()),
            1,
            new TaskClock().times(),
            new ShardOutcome.Attempt(attempt, 0, "driver", "here", 5, "cpu x86_64"),
            "");
    output.replace(
        WorkFolder.done(task.file(), attempt), outcome.toJson().getBytes(StandardCharsets.UTF_8));
    return outcome;
  }

  private List<String> attempts() throws IOException {
    return store.read(ShardRow.TABLE, "run").stream().map(row -> row.text("attempt")).toList();
  }

  @Test
  void tensorsWithoutTheirShardAreForgottenAndCommittedOnce() throws Exception {
    RowCommitter first = committer();
    first.add(write(plan.shards().get(0), "a"));
    first.flush();
    // The second commit ends between its tables.
    ShardTask second = plan.shards().get(1);
    ShardOutcome outcome = write(second, "b");
    List<List<Object>> tensors = new ArrayList<>();
    rows.tensors(second, outcome).forEach(row -> tensors.add(row.toRow(2)));
    store.append(TensorRow.TABLE, tensors, "run", 2);

    RowCommitter next = committer();

    assertThat(next.recover())
        .containsExactlyInAnyOrder(plan.shards().get(0).file(), second.file());
    assertThat(store.read(TensorRow.TABLE, "run"))
        .extracting(row -> row.text("attempt"))
        .containsOnly("a");
    next.flush();
    assertThat(attempts()).containsExactlyInAnyOrder("a", "b");
    assertThat(store.read(TensorRow.TABLE, "run"))
        .extracting(row -> row.text("tensor"))
        .doesNotHaveDuplicates()
        .hasSize(plan.shards().get(0).tensors().size() + second.tensors().size());
  }

  @Test
  void fileThatIsNotWhatItsRowSaysIsForgotten() throws Exception {
    RowCommitter first = committer();
    ShardTask good = plan.shards().get(0);
    ShardTask damaged = plan.shards().get(1);
    ShardTask gone = plan.shards().get(2);
    first.add(write(good, "a"));
    first.add(write(damaged, "b"));
    first.add(write(gone, "c"));
    first.flush();
    Files.write(temp.resolve("output").resolve(damaged.file()), new byte[10]);
    Files.delete(temp.resolve("output").resolve(gone.file()));

    RowCommitter next = committer();

    assertThat(next.recover()).containsExactly(good.file());
    assertThat(attempts()).containsExactly("a");
    assertThat(store.read(TensorRow.TABLE, "run"))
        .extracting((TableRow row) -> row.text("output_file"))
        .containsOnly(good.file());
    next.add(write(damaged, "d"));
    next.flush();
    assertThat(attempts()).containsExactlyInAnyOrder("a", "d");
  }

  @Test
  void noteThatWasCutShortIsPassedOver() throws Exception {
    ShardTask task = plan.shards().get(0);
    write(task, "a");
    Files.write(
        temp.resolve("output").resolve(WorkFolder.done(task.file(), "a")),
        "{\"file\":\"mod".getBytes(StandardCharsets.UTF_8));
    assertThat(committer().recover()).isEmpty();
  }
}
