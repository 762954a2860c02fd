package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkao.jobs.evaluate.EvaluateFixture.said;

import io.delta.kernel.types.StringType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.table.Column;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.Table;
import org.sparkao.quant.QuantException;

/** From the command to the tables, with a model that needs no weights. */
class TestEvaluateJob {
  private static final FakeModels MODELS = new FakeModels(EvaluateFixture.VOCABULARY, 512);

  private static final String[] SMALL = {"run-id", "r", "partitions", "20", "batch-tokens", "256"};

  @TempDir private Path folder;
  private EvaluateFixture fixture;

  @BeforeEach
  void writeFixture() throws Exception {
    FakeModels.reset();
    fixture = new EvaluateFixture(folder, MODELS);
  }

  @Test
  void rowsAreTheSameForAnyPartitionsAndBudgets() throws Exception {
    fixture.run("reference", "run-id", "r", "partitions", "1");
    List<Object> expected = said(fixture.items("reference", "r"));
    assertThat(expected).hasSize(40 + 40 + 6);
    for (String partitions : List.of("2", "7")) {
      for (String budget : List.of("256", "8192")) {
        String tables = "tables-" + partitions + "-" + budget;
        fixture.run(tables, "run-id", "r", "partitions", partitions, "batch-tokens", budget);
        assertThat(said(fixture.items(tables, "r"))).isEqualTo(expected);
      }
    }
  }

  /** Whatever was planned for: executors that may have GPUs may have none. */
  @Test
  void batchesAreThoseOfWhatComputes() {
    Config config = JobRun.config(new EvaluateJob());
    assertThat(EvaluateJob.batchTokens(false, config)).isEqualTo(8192);
    assertThat(EvaluateJob.batchTokens(true, config)).isEqualTo(65_536);
    Config asked = JobRun.config(new EvaluateJob(), "batch-tokens", "77");
    assertThat(EvaluateJob.batchTokens(true, asked)).isEqualTo(77);
  }

  @Test
  void whatIsStoredIsNotComputedAgain() throws Exception {
    fixture.run("t", "run-id", "first", "limit", "10");
    long first = FakeModels.SCORED.get();
    JobRun second = fixture.run("t", "run-id", "second");
    long all = FakeModels.SCORED.get();
    assertThat(second.code()).isEqualTo(ExitCode.DONE);
    fixture.run("t", "run-id", "third");
    assertThat(FakeModels.SCORED.get()).isEqualTo(all);
    FakeModels.reset();
    fixture.run("fresh", "run-id", "whole");
    assertThat(all).isEqualTo(FakeModels.SCORED.get());
    assertThat(first).isPositive().isLessThan(all);
    assertThat(said(fixture.items("t", "third"))).isEqualTo(said(fixture.items("fresh", "whole")));
    assertThat(fixture.items("t", "third"))
        .extracting(row -> row.origin().run())
        .contains("first", "second")
        .doesNotContain("third");
  }

  @Test
  void aTaskThatFailsIsTriedAgain() throws Exception {
    FakeModels.CALLS_UNTIL_FAILURE.set(3);
    fixture.run("t", SMALL);
    List<Object> found = said(fixture.items("t", "r"));
    FakeModels.reset();
    fixture.run("fresh", SMALL);
    assertThat(found).isEqualTo(said(fixture.items("fresh", "r")));
  }

  @Test
  void aRunThatFailsTwiceGoesOnAndKeepsWhatItHas() throws Exception {
    int before = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
      FakeModels.CALLS_LEFT.set(12);
      assertThatThrownBy(() -> fixture.run("t", SMALL))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("the fake went away");
      assertThat(fixture.store("t").read(RunRow.TABLE, "r").get(0).text("status"))
          .isEqualTo("failed");
      int stored = fixture.items("t", "r").size();
      assertThat(stored).isGreaterThan(before).isLessThan(86);
      before = stored;
    }
    FakeModels.reset();
    fixture.run("t", SMALL);
    long lastPart = FakeModels.SCORED.get();
    FakeModels.reset();
    fixture.run("fresh", SMALL);
    assertThat(lastPart).isLessThan(FakeModels.SCORED.get());
    assertThat(said(fixture.items("t", "r"))).isEqualTo(said(fixture.items("fresh", "r")));
    assertThat(fixture.store("t").read(RunRow.TABLE, "r")).hasSize(1);
    assertThat(fixture.store("t").read(RunRow.TABLE, "r").get(0).text("status")).isEqualTo("done");
  }

  /** As if another driver of the run had computed the same items and committed them later. */
  @Test
  void ofAnItemThatIsStoredTwiceOneRowStays() throws Exception {
    fixture.run("t", SMALL);
    List<Object> expected = said(fixture.items("t", "r"));
    DeltaStore store = fixture.store("t");
    long step = store.lastStep(EvalItemRow.TABLE, "r") + 1;
    store.append(
        EvalItemRow.TABLE,
        fixture.items("t", "r").subList(0, 50).stream().map(row -> row.toRow(step)).toList(),
        "r",
        step);
    assertThat(fixture.items("t", "r")).hasSize(expected.size() + 50);
    fixture.run("t", SMALL);
    assertThat(said(fixture.items("t", "r"))).isEqualTo(expected);
  }

  @Test
  void anotherEvaluationUnderTheSameNameIsRefused() throws Exception {
    fixture.run("t", "run-id", "r", "limit", "3");
    assertThatThrownBy(() -> fixture.run("t", "run-id", "r", "limit", "4"))
        .hasMessageContaining("run r is in the tables already and evaluated something else");
  }

  @Test
  void aDryRunPrintsThePlanAndComputesNothing() throws Exception {
    JobRun run = fixture.run("t", "dry-run", "true");
    assertThat(run.out()).contains("86 items").contains("cut tokens").contains("choice");
    assertThat(FakeModels.OPENED.get()).isZero();
    assertThat(Files.exists(folder.resolve("t"))).isFalse();
  }

  @Test
  void tablesOfALaterVersionAreRefusedBeforeAnythingIsComputed() throws Exception {
    List<Column> columns =
        List.of(
            new Column("run_id", StringType.STRING, "as here"),
            new Column("of_later", StringType.STRING, "unknown here"));
    Table later = new Table("eval_items", "of later", columns);
    fixture.store("t").append(later, List.of(List.of("x", "y")), "x", 0);
    assertThatThrownBy(() -> fixture.run("t", "dry-run", "true"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("eval_items: has a column of_later")
        .hasMessageEndingWith("give other --tables");
    assertThat(FakeModels.OPENED.get()).isZero();
  }

  @Test
  void longItemsAreCutAndCountedOrRefused() throws Exception {
    fixture.run("t", "run-id", "r", "max-length", "16");
    assertThat(fixture.items("t", "r"))
        .filteredOn(row -> row.key().task().equals("word"))
        .allSatisfy(row -> assertThat(row.outcome().truncatedTokens()).isPositive());
    assertThatThrownBy(() -> fixture.run("t", "max-length", "16", "too-long", "refuse"))
        .hasMessageContaining("task choice, item 0")
        .hasMessageContaining("--too-long truncate");
  }
}
