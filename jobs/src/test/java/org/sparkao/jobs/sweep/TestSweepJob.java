package org.sparkao.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.compare.RunItems;
import org.sparkao.jobs.evaluate.EvaluateJob;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.maintain.RunPruning;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Status;
import org.sparkao.jobs.table.SweepComparisonRow;
import org.sparkao.jobs.table.SweepRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;

/** Sweeps over the sample, in this JVM. */
class TestSweepJob {
  private static final int ITEMS = 40;
  private static SparkLease spark;

  @TempDir private Path folder;

  @BeforeAll
  static void startSpark() {
    spark = SparkLease.open(JobRun.config(new SweepJob()), "test");
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  private static List<String> places(List<SweepCellRow> cells) {
    return cells.stream()
        .map(
            row ->
                row.place().scheme() + " " + row.place().algorithm() + " " + row.ending().status())
        .toList();
  }

  @Test
  void whatWasDoneIsKeptAndOneMoreSchemeIsComputedAlone() throws Exception {
    SweepFixture sweep = new SweepFixture(folder, ITEMS);
    Path file = sweep.file("none, W8A16");
    JobRun plan = sweep.run(file, "dry-run", "true");
    assertThat(plan.code()).isEqualTo(ExitCode.DONE);
    assertThat(plan.lines().get(1))
        .matches("m +none +none +sample +acc +40 +[\\d,]+ +- +to compute");
    assertThat(sweep.output()).doesNotExist();
    assertThat(sweep.tables()).doesNotExist();

    JobRun first = sweep.run(file);
    assertThat(first.code()).as(first.out()).isEqualTo(ExitCode.DONE);
    assertThat(places(sweep.cells())).containsExactlyInAnyOrder("none none DONE", "W8A16 rtn DONE");
    assertThat(accuracy(sweep, "W8A16")).isEqualTo(accuracyByHand(sweep));

    JobRun second = sweep.run(file);
    assertThat(second.code()).as(second.out()).isEqualTo(ExitCode.NOTHING_TO_DO);
    assertThat(second.out()).contains("nothing to do");
    assertThat(sweep.cells()).hasSize(2);
    assertThat(sweep.runs()).hasSize(1);
    assertThat(sweep.output().resolve("_sparkao")).doesNotExist();

    JobRun third = sweep.run(sweep.file("none, W4A16, W8A16"));
    assertThat(third.code()).as(third.out()).isEqualTo(ExitCode.DONE);
    assertThat(places(sweep.cells())).hasSize(3).endsWith("W4A16 rtn DONE");
    assertThat(sweep.runs().get(1).counts()).isEqualTo(new SweepRow.Counts(3, 1, 2, 0, 0));
    assertThat(third.out()).containsPattern("m +W8A16 +rtn +sample +acc +40 .* done");
    assertThat(sweep.comparisons(SweepComparisonRow.BASELINE))
        .extracting(row -> row.place().scheme())
        .containsExactly("W8A16", "W4A16");
    Document page = Jsoup.parse(Files.readString(sweep.output().resolve("sweep.html")));
    assertThat(page.select("#cells tbody tr")).hasSize(3);
    assertThat(page.select("#sizes svg")).hasSize(1);
    assertThat(page.select("#definition pre").text()).contains("schemes: [none, W4A16, W8A16]");
    for (TableRow row : sweep.store().read(RunRow.TABLE)) {
      assertThat(row.text("status")).isEqualTo("done");
    }
  }

  private static double accuracy(SweepFixture sweep, String scheme) throws IOException {
    return sweep.cells().stream()
        .filter(row -> row.place().scheme().equals(scheme))
        .mapToDouble(row -> row.measured().orElseThrow().value())
        .findFirst()
        .orElseThrow();
  }

  /** The two jobs as a user would call them, into other tables. */
  private double accuracyByHand(SweepFixture sweep) throws Exception {
    String tables = folder.resolve("by-hand").toString();
    String output = folder.resolve("W8A16").toString();
    String model = sweep.model().toString();
    JobRun.of(
        new QuantizeJob(),
        "checkpoint",
        model,
        "output",
        output,
        "scheme",
        "W8A16",
        "device",
        "cpu",
        "tables",
        tables);
    JobRun.of(
        new EvaluateJob(),
        "checkpoint",
        output,
        "tasks",
        "sample",
        "data",
        ".",
        "limit",
        "40",
        "device",
        "cpu",
        "tables",
        tables,
        "run-id",
        "by-hand");
    return new DeltaStore(Storage.ofAssignments(List.of()), tables)
        .read(EvalResultRow.TABLE, "by-hand").stream()
            .map(EvalResultRow::of)
            .filter(row -> row.metric().equals("acc"))
            .mapToDouble(EvalResultRow::value)
            .findFirst()
            .orElseThrow();
  }

  /** One scheme does not fit the shapes, another one finds a file where its folder shall be. */
  @Test
  void cellThatFailsStopsNoOtherAndIsTriedAgain() throws Exception {
    SweepFixture sweep = new SweepFixture(folder, ITEMS);
    Path file = sweep.file("none, W8A16, {name: odd, scheme: 'W4A16(group_size=96)'}");
    Path obstacle = Files.createDirectories(sweep.output()).resolve("checkpoints");
    Files.writeString(obstacle, "no folder");

    JobRun first = sweep.run(file);

    assertThat(first.code()).as(first.out()).isEqualTo(ExitCode.SOME_FAILED);
    assertThat(places(sweep.cells()))
        .containsExactlyInAnyOrder("none none DONE", "W8A16 rtn FAILED", "odd rtn REFUSED");
    assertThat(first.out()).contains("group size 96").contains(obstacle.toString());
    Files.delete(obstacle);

    JobRun second = sweep.run(file);

    assertThat(second.code()).as(second.out()).isEqualTo(ExitCode.SOME_FAILED);
    assertThat(sweep.runs().get(1).counts()).isEqualTo(new SweepRow.Counts(3, 1, 1, 1, 0));
    int rows = sweep.cells().size();
    assertThat(sweep.run(file).code()).isEqualTo(ExitCode.SOME_FAILED);
    assertThat(sweep.cells()).hasSize(rows);
    assertThatThrownBy(
            () ->
                sweep.run(
                    sweep.file("{name: odd, scheme: 'W4A16(group_size=96)'}", "baselines: []")))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("sweep t: no cell can be computed; of the first: ");
  }

  /** Zeros in the middle of the weights; the probability is that of the binomial distribution. */
  @Test
  void worseWeightsUnderTheSameNameAreARegression() throws Exception {
    SweepFixture sweep = new SweepFixture(folder, ITEMS);
    Path file = sweep.file("none");
    assertThat(sweep.run(file).code()).isEqualTo(ExitCode.DONE);
    Path weights = sweep.model().resolve("model.safetensors");
    byte[] good = Files.readAllBytes(weights);
    try (RandomAccessFile damaged = new RandomAccessFile(weights.toFile(), "rw")) {
      damaged.seek(good.length / 2);
      damaged.write(new byte[good.length / 4]);
    }

    JobRun second = sweep.run(file);

    assertThat(second.code()).as(second.out()).isEqualTo(ExitCode.REGRESSION);
    assertThat(second.out()).contains("REGRESSION");
    SweepComparisonRow row = sweep.comparisons(SweepComparisonRow.LAST_GOOD).get(0);
    assertThat(row.verdict().regressed()).isEqualTo(1);
    assertThat(row.paired().pairs()).isEqualTo(ITEMS);
    assertThat(row.verdict().probability())
        .isCloseTo(twoSided(sweep, row.runs()), withinPercentage(0.1));
    assertThat(sweep.runs().get(1).exitCode()).contains(4L);
    assertThat(sweep.run(file).code()).isEqualTo(ExitCode.NOTHING_TO_DO);
    assertThat(pruned(sweep)).isEmpty();

    // What was computed with these weights counts again.
    Files.write(weights, good);
    assertThat(sweep.run(file).code()).isEqualTo(ExitCode.NOTHING_TO_DO);
    // Other weights are held against the good ones, not against those that were worse.
    good[good.length - 2] ^= 1;
    Files.write(weights, good);
    JobRun third = sweep.run(file);
    assertThat(third.code()).as(third.out()).isEqualTo(ExitCode.DONE);
    assertThat(sweep.comparisons(SweepComparisonRow.LAST_GOOD).get(1).runs().reference())
        .isEqualTo(row.runs().reference());
    // The newest value is good: those before it are not needed any more.
    assertThat(pruned(sweep)).hasSize(4).contains(row.runs().reference(), row.runs().evaluate());
    assertThat(sweep.run(file).code()).isEqualTo(ExitCode.NOTHING_TO_DO);
  }

  /** Takes out what can go; returns the names. */
  private static List<String> pruned(SweepFixture sweep) throws Exception {
    RunPruning pruning =
        new RunPruning(
            Storage.ofAssignments(List.of()),
            sweep.store(),
            Instant.now().plusSeconds(60),
            EnumSet.allOf(RunRow.Status.class));
    List<String> pruned = new ArrayList<>();
    for (RunPruning.Candidate candidate : pruning.candidates()) {
      if (candidate.kept().isEmpty()) {
        assertThat(pruning.remove(candidate.run())).isTrue();
        pruned.add(candidate.run().runId());
      }
    }
    return pruned;
  }

  /** All ways to flip as many items that are at most as likely as what was seen. */
  private static double twoSided(SweepFixture sweep, SweepComparisonRow.Runs runs)
      throws IOException {
    List<EvalItemRow> before = RunItems.read(sweep.store(), runs.reference(), List.of());
    List<EvalItemRow> after = RunItems.read(sweep.store(), runs.evaluate(), List.of());
    int lost = 0;
    int won = 0;
    for (EvalItemRow one : before) {
      EvalItemRow other =
          after.stream()
              .filter(row -> row.item().hash().equals(one.item().hash()))
              .findFirst()
              .orElseThrow();
      long change = other.scores().correct().getAsLong() - one.scores().correct().getAsLong();
      lost += change < 0 ? 1 : 0;
      won += change > 0 ? 1 : 0;
    }
    assertThat(lost + won).as("the exact test").isBetween(8, 40);
    int flips = lost + won;
    if (flips >= 25) {
      double distance = Math.abs(lost - won) - 1.0;
      return 2 * (1 - normal(Math.sqrt(distance * distance / flips)));
    }
    double total = 0;
    for (int i = 0; i <= flips; i++) {
      total += ways(flips, i) <= ways(flips, won) ? ways(flips, i) : 0;
    }
    return total / Math.pow(2, flips);
  }

  private static double ways(int of, int chosen) {
    double ways = 1;
    for (int i = 0; i < chosen; i++) {
      ways = ways * (of - i) / (i + 1);
    }
    return Math.rint(ways);
  }

  /** Simpson's rule from 0. */
  private static double normal(double x) {
    int steps = 20_000;
    double sum = 0;
    for (int i = 0; i <= steps; i++) {
      double at = x * i / steps;
      double weight = i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2;
      sum += weight * Math.exp(-at * at / 2);
    }
    return 0.5 + sum * x / steps / 3 / Math.sqrt(2 * Math.PI);
  }

  @Test
  void secondDriverIsRefusedOrWaits() throws Exception {
    SweepFixture sweep = new SweepFixture(folder, 8);
    Path file = sweep.file("none");
    Ownership other =
        Ownership.take(
            Storage.ofAssignments(List.of()).folder(sweep.output().toString()),
            "another driver's",
            Optional.empty(),
            () -> "other",
            Ownership.PACE);

    assertThat(sweep.run(file).code()).isEqualTo(ExitCode.BUSY);
    assertThat(sweep.tables()).doesNotExist();

    CompletableFuture<JobRun> waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return sweep.run(file, "overlap", "wait");
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    TimeUnit.MILLISECONDS.sleep(500);
    assertThat(waiting).isNotDone();
    other.finish();
    assertThat(waiting.get(2, TimeUnit.MINUTES).code()).isEqualTo(ExitCode.DONE);
    assertThat(sweep.cells()).extracting(row -> row.ending().status()).containsExactly(Status.DONE);
  }

  /** The bundled sample, under the name of the folder that it is copied into. */
  @Test
  void algorithmsAreCalibratedOnce() throws Exception {
    SweepFixture sweep = new SweepFixture(folder, 8);
    Path file =
        sweep.file(
            "W4A16, W8A16",
            "algorithms: [{name: im, algorithm: imatrix}]",
            "calibrate: {data: 'bundled:held-out', samples: 4, sequence-length: 32, device: cpu}",
            "baselines: []");
    Files.writeString(
        file,
        Files.readString(file)
            .replaceFirst("models: .*", "models: [{name: bundled, checkpoint: 'bundled:sample'}]"));
    JobRun run = sweep.run(file);
    assertThat(run.code()).as(run.out()).isEqualTo(ExitCode.DONE);
    assertThat(places(sweep.cells())).containsExactlyInAnyOrder("W4A16 im DONE", "W8A16 im DONE");
    assertThat(sweep.cells())
        .extracting(row -> row.output().calibration().orElseThrow())
        .containsOnly(sweep.cells().get(0).output().calibration().orElseThrow());
    List<String> jobs =
        sweep.store().read(RunRow.TABLE).stream().map(row -> row.text("job")).sorted().toList();
    assertThat(jobs)
        .containsExactly("calibrate", "evaluate", "evaluate", "quantize", "quantize", "sweep");
  }
}
