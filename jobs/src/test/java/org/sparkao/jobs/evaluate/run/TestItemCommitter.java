package org.sparkao.jobs.evaluate.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.AskedItem;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;

class TestItemCommitter {
  private static final String RUN = "r";
  private static final int DRIVERS = 3;
  private static final int FLUSHES = 8;

  @TempDir private Path folder;

  private static EvalItemRow row(long index) {
    return new EvalItemRow(
        RUN,
        new EvalItemRow.Key("k" + index, "c", "quiz", "1", "p", "fp32", "cpu"),
        new EvalItemRow.Item(
            index,
            "h" + index,
            List.of("r"),
            AskedItem.NOTHING,
            OptionalLong.empty(),
            OptionalLong.empty()),
        new EvalItemRow.Outcome(
            List.of(-1.0), List.of(1L), List.of(3L), List.of(4L), 0, Optional.empty()),
        new EvalItemRow.Scores(OptionalLong.of(1), List.of()),
        new EvalItemRow.Origin(RUN, "driver", 0, 1, Instant.EPOCH));
  }

  /** Drivers of one run take each other's steps, and none of their rows is lost. */
  @Test
  void rowsOfSeveralDriversAllCome() throws Exception {
    DeltaStore store = new DeltaStore(Storage.ofAssignments(List.of()), folder.toString());
    ExecutorService drivers = Executors.newFixedThreadPool(DRIVERS);
    try {
      List<Future<?>> ends = new ArrayList<>();
      for (int driver = 0; driver < DRIVERS; driver++) {
        long first = (long) driver * FLUSHES;
        ends.add(
            drivers.submit(
                () -> {
                  commit(new ItemCommitter(store, RUN), first);
                  return null;
                }));
      }
      for (Future<?> end : ends) {
        end.get();
      }
    } finally {
      drivers.shutdownNow();
    }
    assertThat(store.read(EvalItemRow.TABLE, RUN))
        .extracting(row -> (int) row.number("item_index"))
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, DRIVERS * FLUSHES).boxed().toList());
  }

  private static void commit(ItemCommitter committer, long first) throws IOException {
    for (int i = 0; i < FLUSHES; i++) {
      committer.add(List.of(row(first + i)));
      committer.flush();
    }
  }
}
