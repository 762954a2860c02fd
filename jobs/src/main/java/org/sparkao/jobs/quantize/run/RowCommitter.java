package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.jobs.table.Table;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;

/**
 * Brings the rows of finished files into the tables while others are still being written: one
 * commit for all that have finished since the last one. Tensors come before shards, because the row
 * of a shard is what makes it count.
 */
final class RowCommitter {
  /** Pause between commits; a commit costs seconds, and finished files are remembered anyway. */
  private static final long PAUSE_SECONDS = 20;

  private static final Logger LOG = LoggerFactory.getLogger(RowCommitter.class);

  private final DeltaStore store;
  private final Folder output;
  private final Ownership ownership;
  private final OutcomeRows rows;
  private final Map<String, ShardTask> tasks;
  private final BlockingQueue<ShardOutcome> finished = new LinkedBlockingQueue<>();
  private long step;

  RowCommitter(
      DeltaStore store,
      Folder output,
      Ownership ownership,
      OutcomeRows rows,
      List<ShardTask> tasks) {
    this.store = store;
    this.output = output;
    this.ownership = ownership;
    this.rows = rows;
    this.tasks = tasks.stream().collect(Collectors.toMap(ShardTask::file, task -> task));
  }

  /** Takes note of a finished file; never waits. */
  void add(ShardOutcome outcome) {
    finished.add(outcome);
  }

  /**
   * The files that need not be done again: those with a committed row, and those whose rows a
   * killed driver did not commit, which are committed now. A file that is gone or has another
   * length is done again.
   */
  Set<String> recover() throws IOException {
    Set<String> done = new LinkedHashSet<>();
    for (TableRow row : committed()) {
      String file = row.text("output_file");
      if (intact(file, row.number("output_bytes"))) {
        done.add(file);
      } else {
        forget(file);
      }
    }
    for (String name : Ownership.doneFiles(output)) {
      String path = WorkFolder.NAME + "/" + name;
      Optional<ShardOutcome> note =
          ShardOutcome.find(new String(output.read(path), StandardCharsets.UTF_8));
      if (note.isEmpty()) {
        LOG.warn("{}/{}: was cut short; its file is written again", output.location(), path);
        continue;
      }
      ShardOutcome outcome = note.orElseThrow();
      if (done.add(outcome.file()) && tasks.containsKey(outcome.file())) {
        if (intact(outcome.file(), outcome.bytes())) {
          add(outcome);
        } else {
          done.remove(outcome.file());
        }
      }
    }
    return done;
  }

  private void forget(String file) throws IOException {
    delete(ShardRow.TABLE, row -> row.text("output_file").equals(file));
    delete(TensorRow.TABLE, row -> row.text("output_file").equals(file));
  }

  private void delete(Table table, Predicate<TableRow> condition) throws IOException {
    store.delete(table, ownership.runId(), condition);
  }

  private boolean intact(String file, long bytes) throws IOException {
    return output.size(file).orElse(-1) == bytes;
  }

  /** Rows of this run's files; forgets tensors of commits that were never completed. */
  private List<TableRow> committed() throws IOException {
    String run = ownership.runId();
    step = Math.max(store.lastStep(TensorRow.TABLE, run), store.lastStep(ShardRow.TABLE, run));
    List<TableRow> shards = store.read(ShardRow.TABLE, run);
    Set<String> attempts =
        shards.stream().map(row -> row.text("attempt")).collect(Collectors.toSet());
    delete(TensorRow.TABLE, row -> !attempts.contains(row.text("attempt")));
    return shards;
  }

  /** Commits now and then until {@code end}; the caller {@link #flush}es the rest. */
  void commitUntil(CountDownLatch end) throws IOException, InterruptedException {
    while (!end.await(PAUSE_SECONDS, TimeUnit.SECONDS)) {
      flush();
    }
  }

  /** Commits whatever has finished. */
  synchronized void flush() throws IOException {
    List<ShardOutcome> outcomes = new ArrayList<>();
    finished.drainTo(outcomes);
    if (outcomes.isEmpty()) {
      return;
    }
    ownership.requireStillMine();
    long next = step + 1;
    List<List<Object>> tensorRows = new ArrayList<>();
    List<List<Object>> shardRows = new ArrayList<>();
    for (ShardOutcome outcome : outcomes) {
      ShardTask task = tasks.get(outcome.file());
      rows.tensors(task, outcome).forEach(row -> tensorRows.add(row.toRow(next)));
      shardRows.add(rows.shard(task, outcome).toRow(next));
    }
    append(TensorRow.TABLE, tensorRows, next);
    append(ShardRow.TABLE, shardRows, next);
    step = next;
  }

  private void append(Table table, List<List<Object>> tableRows, long next) throws IOException {
    store.append(table, tableRows, ownership.runId(), next);
  }

  /** Writes what {@code runs} says about this run. */
  void runIs(RunRow run) throws IOException {
    store.replaceRun(run);
  }
}
