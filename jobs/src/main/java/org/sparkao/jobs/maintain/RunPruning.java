package org.sparkao.jobs.maintain;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.sweep.run.SweepState;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.Table;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.Tables;

/**
 * Takes runs of the past out of all tables. Kept are those that sweeps go on from, and those of a
 * driver that lives: the one whose claim is in the run's output, and of jobs without claims one
 * that wrote rows lately.
 */
public final class RunPruning {
  private final Storage storage;
  private final DeltaStore store;
  private final Instant before;
  private final Set<RunRow.Status> statuses;

  /**
   * A pruning, not yet begun.
   *
   * @param before runs that ended later stay; of those that never ended, the ones that began or
   *     wrote rows later
   * @param statuses of the runs to take out
   */
  public RunPruning(
      Storage storage, DeltaStore store, Instant before, Set<RunRow.Status> statuses) {
    this.storage = storage;
    this.store = store;
    this.before = before;
    this.statuses = Set.copyOf(statuses);
  }

  /**
   * A run that is old enough.
   *
   * @param kept why it stays all the same
   */
  public record Candidate(RunRow run, Optional<String> kept) {}

  /** All runs of these statuses and this age, oldest first. */
  public List<Candidate> candidates() throws IOException, InterruptedException {
    Map<String, String> needed = neededBySweeps();
    List<Candidate> candidates = new ArrayList<>();
    for (TableRow row : store.read(RunRow.TABLE)) {
      RunRow run = RunRow.of(row);
      if (statuses.contains(run.status()) && ended(run).isBefore(before)) {
        Optional<String> sweep = Optional.ofNullable(needed.get(run.runId()));
        candidates.add(
            new Candidate(
                run,
                sweep.isPresent()
                    ? sweep.map(name -> "sweep " + name + " goes on from it")
                    : alive(run)));
      }
    }
    candidates.sort(Comparator.comparing(candidate -> ended(candidate.run())));
    return candidates;
  }

  private static Instant ended(RunRow run) {
    return run.endedAt().orElse(run.startedAt());
  }

  private Map<String, String> neededBySweeps() throws IOException {
    Set<String> sweeps = new HashSet<>();
    for (TableRow row : store.read(SweepCellRow.TABLE)) {
      sweeps.add(row.text("sweep"));
    }
    Map<String, String> needed = new HashMap<>();
    for (String sweep : sweeps) {
      SweepState.read(store, sweep).neededRuns().forEach(run -> needed.put(run, sweep));
    }
    return needed;
  }

  /** Why a driver may be at work at a run; empty when none is. */
  private Optional<String> alive(RunRow run) throws IOException, InterruptedException {
    if (Outputs.hasClaim(run)) {
      if (!Outputs.isAbsolute(run)) {
        return run.status() == RunRow.Status.RUNNING
            ? Optional.of("its output " + run.input().output() + " may be anywhere")
            : Optional.empty();
      }
      Folder output;
      try {
        output = storage.folder(run.input().output());
        return Outputs.holder(output).map(holder -> "its output has " + holder);
      } catch (IOException | RuntimeException e) {
        return Optional.of("its output cannot be looked at: " + e.getMessage());
      }
    }
    if (run.status() != RunRow.Status.RUNNING) {
      return Optional.empty();
    }
    for (Table table : Tables.all()) {
      Optional<Instant> written = lastWritten(table, run.runId());
      if (written.isPresent() && !written.orElseThrow().isBefore(before)) {
        return Optional.of("wrote rows at " + Texts.time(written.orElseThrow()));
      }
    }
    return Optional.empty();
  }

  private Optional<Instant> lastWritten(Table table, String runId) throws IOException {
    Folder folder = storage.folder(store.location(table));
    Optional<Instant> last = Optional.empty();
    String partition = "run_id=" + runId;
    for (String name : folder.list(partition)) {
      Optional<Instant> time = folder.modified(partition + "/" + name);
      if (time.isPresent() && time.orElseThrow().isAfter(last.orElse(Instant.MIN))) {
        last = time;
      }
    }
    return last;
  }

  /**
   * Takes a run out of all tables, out of {@code runs} last: what was begun and not finished can be
   * done again. A run that somebody went on with since it was looked at stays.
   *
   * @return whether it is out
   */
  public boolean remove(RunRow run) throws IOException, InterruptedException {
    if (!isStill(run) || alive(run).isPresent()) {
      return false;
    }
    for (Table table : Tables.all()) {
      boolean isThere = store.filesByRun(table).containsKey(run.runId());
      if (isThere && !table.equals(RunRow.TABLE)) {
        store.delete(table, run.runId(), row -> true);
      }
    }
    store.delete(RunRow.TABLE, run.runId(), row -> RunRow.of(row).equals(run));
    return true;
  }

  private boolean isStill(RunRow run) throws IOException {
    return store.read(RunRow.TABLE, run.runId()).stream().map(RunRow::of).anyMatch(run::equals);
  }
}
