package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.TableRow;

/** A real model from the command to the tables, against transformers in fp32. */
@EnabledIf("present")
class TestGoldenEvaluation {
  /** Of a sum of some 30 tokens, between implementations in fp32. */
  private static final double LOG_LIKELIHOOD = 2e-3;

  private static final int ITEMS = Integer.getInteger("sparkao.golden-items", 100);

  @TempDir private Path folder;

  static boolean present() {
    return GoldenEvaluation.present();
  }

  @Test
  void logLikelihoodsOfItemsAgree() throws Exception {
    JobRun.of(
        new EvaluateJob(),
        "checkpoint",
        GoldenEvaluation.checkpoint().toString(),
        "tasks",
        "hellaswag,piqa,lambada",
        "data",
        GoldenEvaluation.data().toString(),
        "limit",
        Integer.toString(ITEMS),
        "arithmetic",
        "fp32",
        "device",
        "cpu",
        "tables",
        folder.toString(),
        "run-id",
        "golden");
    DeltaStore store = new DeltaStore(Storage.ofAssignments(List.of()), folder.toString());
    int compared = 0;
    for (TableRow read : store.read(EvalItemRow.TABLE, "golden")) {
      EvalItemRow row = EvalItemRow.of(read);
      List<Double> found = row.outcome().logLikelihoods();
      int first = (int) row.item().index() * found.size();
      double[] all = GoldenEvaluation.doubles(row.key().task() + ".fp32.loglikelihood");
      double[] expected = DoubleStream.of(all).skip(first).limit(found.size()).toArray();
      for (int i = 0; i < expected.length; i++) {
        assertThat(found.get(i))
            .as("%s %s, choice %s", row.key().task(), row.item().index(), i)
            .isCloseTo(expected[i], within(LOG_LIKELIHOOD));
      }
      compared++;
    }
    assertThat(compared).isEqualTo(3 * ITEMS);
  }
}
