package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.TableRow;

/** A real model from the command to the tables, against transformers in fp32. */
@EnabledIf("present")
class TestGoldenEvaluation {
  private static final Logger LOG = LoggerFactory.getLogger(TestGoldenEvaluation.class);

  /** Of a sum of some 30 tokens, between implementations in fp32. */
  private static final double LOG_LIKELIHOOD = 2e-3;

  /**
   * Of each task; {@code -Dsparkao.golden-items=10000} does all that are given, in an hour or so.
   */
  private static final int ITEMS = Integer.getInteger("sparkao.golden-items", 100);

  /** Kept, so that such a run can go on where it stopped. */
  private static final Optional<String> TABLES =
      Optional.ofNullable(System.getProperty("sparkao.golden-tables"));

  @TempDir private Path folder;

  static boolean present() {
    return GoldenEvaluation.present();
  }

  @ParameterizedTest
  @CsvSource({"piqa,2", "lambada,1", "hellaswag,4"})
  void logLikelihoodsOfItemsAgree(String task, int choices) throws Exception {
    double[] golden = GoldenEvaluation.doubles(task + ".fp32.loglikelihood");
    int items = Math.min(ITEMS, golden.length / choices);
    String tables = TABLES.orElse(folder.toString());
    JobRun.of(
        new EvaluateJob(),
        "checkpoint",
        GoldenEvaluation.checkpoint().toString(),
        "tasks",
        task,
        "data",
        GoldenEvaluation.data().toString(),
        "limit",
        Integer.toString(items),
        "arithmetic",
        "fp32",
        "device",
        "cpu",
        "tables",
        tables,
        "run-id",
        "golden-" + task);
    DeltaStore store = new DeltaStore(Storage.ofAssignments(List.of()), tables);
    int compared = 0;
    double largest = 0;
    for (TableRow read : store.read(EvalItemRow.TABLE, "golden-" + task)) {
      EvalItemRow row = EvalItemRow.of(read);
      List<Double> found = row.outcome().logLikelihoods();
      assertThat(found).hasSize(choices);
      for (int i = 0; i < choices; i++) {
        double expected = golden[(int) row.item().index() * choices + i];
        assertThat(found.get(i))
            .as("%s %s, choice %s", task, row.item().index(), i)
            .isCloseTo(expected, within(LOG_LIKELIHOOD));
        largest = Math.max(largest, Math.abs(found.get(i) - expected));
      }
      compared++;
    }
    assertThat(compared).isEqualTo(items);
    LOG.info("{}: {} items, largest difference {}", task, compared, largest);
  }
}
