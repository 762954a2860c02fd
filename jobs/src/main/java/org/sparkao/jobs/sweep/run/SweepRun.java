package org.sparkao.jobs.sweep.run;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkContext;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.job.StatusLine;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.sweep.plan.KeyedCell;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Place;
import org.sparkao.jobs.table.SweepCellRow.Status;

/**
 * Computes cells in one Spark application: as many recipes at once as asked for, the tasks of a
 * recipe one after the other. Their Spark jobs are in the pool that the fair scheduler has for all,
 * in which the one that began first goes first; others take the slots that it leaves free. A row is
 * written when a cell ends, and a cell that fails stops no other.
 */
public final class SweepRun {
  private final SweepRequest request;
  private final Ownership ownership;
  private final Console console;
  private final DeltaStore store;
  private final SparkContext spark;
  private final CheckpointMaker maker;
  private final CellWork work;
  private final Set<String> running = ConcurrentHashMap.newKeySet();
  private final AtomicInteger ended = new AtomicInteger();
  private volatile boolean stopped;

  /** A run, not yet begun. */
  public SweepRun(
      SweepRequest request,
      Ownership ownership,
      Config config,
      Console console,
      SparkContext spark) {
    this.request = request;
    this.ownership = ownership;
    this.console = console;
    this.spark = spark;
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    this.store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    JobCalls jobs = new JobCalls(config, quiet());
    this.maker = new CheckpointMaker(jobs, storage, request.plan().output());
    this.work = new CellWork(jobs, store, request.plan().definition().name(), request.runId());
  }

  /** Jobs at once would write into each other's lines: what they say is in the tables. */
  private static Console quiet() {
    PrintStream nowhere =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    return new Console(nowhere, nowhere, Console.Terminal.PLAIN);
  }

  /**
   * Computes what is missing.
   *
   * @throws IOException when another driver has taken over, or the tables cannot be written
   */
  public void run(List<KeyedCell> missing) throws IOException, InterruptedException {
    Map<String, List<KeyedCell>> recipes = new LinkedHashMap<>();
    for (KeyedCell cell : missing) {
      if (cell.planned().refusal().isPresent()) {
        commit(work.refused(cell, maker.location(cell)), missing.size());
      } else {
        recipes.computeIfAbsent(cell.recipeKey(), key -> new ArrayList<>()).add(cell);
      }
    }
    ExecutorService pool = Executors.newFixedThreadPool(request.parallel());
    StatusLine line = new StatusLine(console, () -> line(missing.size()));
    ownership.whenLost(this::stop);
    try {
      List<Future<?>> futures = new ArrayList<>();
      for (List<KeyedCell> cells : recipes.values()) {
        futures.add(
            pool.submit(
                () -> {
                  compute(cells, missing.size());
                  return null;
                }));
      }
      for (Future<?> future : futures) {
        future.get();
      }
      ownership.requireStillMine();
      if (spark.isStopped()) {
        throw new IOException("Spark was stopped; the same command goes on from here");
      }
    } catch (ExecutionException e) {
      stop("a row could not be written");
      throw new IOException(e.getCause().getMessage(), e.getCause());
    } finally {
      pool.shutdownNow();
      line.close();
    }
  }

  private void stop(String why) {
    stopped = true;
    if (!spark.isStopped()) {
      spark.cancelAllJobs();
    }
  }

  private String line(int cells) {
    return ended.get()
        + " of "
        + cells
        + " cells ended"
        + (running.isEmpty() ? "" : ", working at " + String.join(", ", new TreeSet<>(running)));
  }

  /** One recipe with all its tasks. */
  private void compute(List<KeyedCell> cells, int all) throws IOException {
    KeyedCell first = cells.get(0);
    String name = recipe(first);
    running.add(name);
    try {
      MadeCheckpoint checkpoint;
      try {
        checkpoint = maker.make(first);
      } catch (Exception e) {
        for (KeyedCell cell : cells) {
          commitFailed(cell, e, all);
        }
        return;
      }
      for (KeyedCell cell : cells) {
        if (stopped || spark.isStopped()) {
          return;
        }
        SweepCellRow row;
        try {
          row = work.evaluate(cell, checkpoint);
        } catch (Exception e) {
          commitFailed(cell, e, all);
          continue;
        }
        commit(row, all);
      }
    } finally {
      running.remove(name);
    }
  }

  /** What was stopped did not fail, nor did what had no Spark any more: a process that is ended. */
  private void commitFailed(KeyedCell cell, Exception failure, int all) throws IOException {
    if (!stopped && !spark.isStopped()) {
      commit(work.failed(cell, maker.location(cell), failure), all);
    }
  }

  private synchronized void commit(SweepCellRow row, int all) throws IOException {
    ownership.requireStillMine();
    store.replace(
        SweepCellRow.TABLE,
        request.runId(),
        older -> older.text("cell_key").equals(row.key()),
        List.of(row.toRow()));
    console
        .err()
        .println("[" + ended.incrementAndGet() + "/" + all + "] " + name(row) + ": " + said(row));
  }

  private static String said(SweepCellRow row) {
    return row.ending().status() == Status.DONE
        ? row.measured().orElseThrow().metric()
            + " "
            + Texts.decimals(row.measured().orElseThrow().value(), 4)
            + " in "
            + Texts.duration(Duration.ofMillis(Math.round(1000 * row.ending().seconds())))
        : row.ending().status().name().toLowerCase(Locale.ROOT)
            + ": "
            + row.ending().reason().orElseThrow();
  }

  private static String name(SweepCellRow row) {
    return String.join(
        " ",
        row.place().model(),
        row.place().scheme(),
        row.place().algorithm(),
        row.place().task());
  }

  private static String recipe(KeyedCell cell) {
    Place place = cell.planned().place();
    return String.join(" ", place.model(), place.scheme(), place.algorithm());
  }
}
