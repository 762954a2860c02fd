package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;

/** Brings rows of finished items into the table while others are still being computed. */
final class ItemCommitter {
  /** Pause between commits; what is lost with a killed driver is computed again. */
  private static final long PAUSE_SECONDS = 10;

  private final DeltaStore store;
  private final String runId;
  private final BlockingQueue<EvalItemRow> finished = new LinkedBlockingQueue<>();

  ItemCommitter(DeltaStore store, String runId) {
    this.store = store;
    this.runId = runId;
  }

  /** Takes note of rows; never waits. */
  void add(List<EvalItemRow> rows) {
    finished.addAll(rows);
  }

  /** Commits now and then until {@code end}; the caller {@link #flush}es the rest. */
  void commitUntil(CountDownLatch end) throws IOException, InterruptedException {
    while (!end.await(PAUSE_SECONDS, TimeUnit.SECONDS)) {
      flush();
    }
  }

  /** Commits whatever has finished. */
  synchronized void flush() throws IOException {
    List<EvalItemRow> rows = new ArrayList<>();
    finished.drainTo(rows);
    if (rows.isEmpty()) {
      return;
    }
    boolean added = false;
    while (!added) {
      // Another driver of the same run may take the step meanwhile.
      long step = store.lastStep(EvalItemRow.TABLE, runId) + 1;
      added =
          store.append(
              EvalItemRow.TABLE, rows.stream().map(row -> row.toRow(step)).toList(), runId, step);
    }
  }
}
