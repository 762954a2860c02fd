package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
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
   * All that are given, an hour or so of two cores: {@code -Dsparkao.golden-tasks=hellaswag
   * -Dsparkao.golden-items=3000}, piqa with 900, lambada with 2500.
   */
  private static final int ITEMS = Integer.getInteger("sparkao.golden-items", 100);

  private static final String TASKS =
      System.getProperty("sparkao.golden-tasks", "hellaswag,piqa,lambada");

  /** Kept, so that such a run can go on where it stopped. */
  private static final Optional<String> TABLES =
      Optional.ofNullable(System.getProperty("sparkao.golden-tables"));

  @TempDir private Path folder;

  static boolean present() {
    return GoldenEvaluation.present();
  }

  @Test
  void logLikelihoodsOfItemsAgree() throws Exception {
    String tables = TABLES.orElse(folder.toString());
    JobRun.of(
        new EvaluateJob(),
        "checkpoint",
        GoldenEvaluation.checkpoint().toString(),
        "tasks",
        TASKS,
        "data",
        GoldenEvaluation.data().toString(),
        "limit",
        Integer.toString(ITEMS),
        "arithmetic",
        "fp32",
        "device",
        "cpu",
        "tables",
        tables,
        "run-id",
        "golden");
    DeltaStore store = new DeltaStore(Storage.ofAssignments(List.of()), tables);
    int compared = 0;
    double largest = 0;
    for (TableRow read : store.read(EvalItemRow.TABLE, "golden")) {
      EvalItemRow row = EvalItemRow.of(read);
      List<Double> found = row.outcome().logLikelihoods();
      int first = (int) row.item().index() * found.size();
      double[] golden = GoldenEvaluation.doubles(row.key().task() + ".fp32.loglikelihood");
      for (int i = 0; i < found.size(); i++) {
        assertThat(found.get(i))
            .as("%s %s, choice %s", row.key().task(), row.item().index(), i)
            .isCloseTo(golden[first + i], within(LOG_LIKELIHOOD));
        largest = Math.max(largest, Math.abs(found.get(i) - golden[first + i]));
      }
      compared++;
    }
    assertThat(compared).isEqualTo(TASKS.split(",").length * ITEMS);
    LOG.info("{}: {} items, largest difference {}", TASKS, compared, largest);
  }
}
