package org.sparkao.jobs.maintain;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.maintain.Leftovers.Found;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.Table;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.Tables;
import org.sparkao.quant.QuantException;

/** Compacts tables, and deletes files that nobody needs or finishes. */
public final class MaintainJob implements Job {
  private static final ConfigKey<Duration> OLDER_THAN =
      Ages.key(
              "Files that were written so long ago may be deleted, and those that were taken out of"
                  + " a table so long ago (a week at most); from 1h on.")
          .withDefault("7d");
  private static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag("dry-run", "Says what would be done, changes nothing.");

  private final Clock clock;

  /** The job. */
  public MaintainJob() {
    this(Clock.systemUTC());
  }

  MaintainJob(Clock clock) {
    this.clock = clock;
  }

  @Override
  public String name() {
    return "maintain";
  }

  @Override
  public String summary() {
    return "Compacts the tables, and deletes files that nobody needs or finishes.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return List.of(OLDER_THAN, DRY_RUN);
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException, InterruptedException {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    String tables = config.value(CommonKeys.TABLES);
    DeltaStore store = new DeltaStore(storage, tables);
    Instant before = clock.instant().minus(config.value(OLDER_THAN));
    boolean dry = config.value(DRY_RUN);
    TextTable done =
        TextTable.of(
            TextTable.text("what"),
            TextTable.text("where"),
            TextTable.number("files"),
            TextTable.number("size"));
    List<RunRow> runs = new ArrayList<>();
    for (TableRow row : store.read(RunRow.TABLE)) {
      runs.add(RunRow.of(row));
    }
    for (Table table : Tables.all()) {
      long merged = compact(store, table, runs, dry);
      if (merged > 0) {
        done.row("small files, merged", store.location(table), Texts.count(merged), "");
      }
      List<String> unused = store.unusedFiles(table, before);
      remove("unused", new Found(storage.folder(store.location(table)), unused), dry, done);
    }
    Leftovers leftovers = new Leftovers(storage, before);
    remove("logits", leftovers.ofLogits(store, tables), dry, done);
    boolean all = true;
    for (RunRow run : newestOfOutputs(runs)) {
      if (!Outputs.isAbsolute(run)) {
        console.err().println(run.input().output() + ": was not looked at: it may be anywhere");
        continue;
      }
      try {
        remove("unfinished", leftovers.ofOutput(run), dry, done);
      } catch (IOException | QuantException e) {
        console.err().println(run.input().output() + ": was not looked at: " + e.getMessage());
        all = false;
      }
    }
    if (done.rows().isEmpty()) {
      console.out().println("There is nothing to do in the tables at " + tables);
    } else {
      done.lines().forEach(console.out()::println);
      console.out().println(dry ? "nothing was changed" : "done");
    }
    return all ? ExitCode.DONE : ExitCode.FAILED;
  }

  /** A driver at work would only make new ones. */
  private static long compact(DeltaStore store, Table table, List<RunRow> runs, boolean dry)
      throws IOException {
    Map<String, RunRow.Status> statuses = new HashMap<>();
    runs.forEach(run -> statuses.put(run.runId(), run.status()));
    long merged = 0;
    for (Map.Entry<String, Long> files : store.filesByRun(table).entrySet()) {
      boolean several =
          files.getValue() > 1 && statuses.get(files.getKey()) != RunRow.Status.RUNNING;
      if (several && (dry || store.compact(table, files.getKey()))) {
        merged += files.getValue();
      }
    }
    return merged;
  }

  private static void remove(String what, Found found, boolean dry, TextTable done)
      throws IOException {
    if (found.names().isEmpty()) {
      return;
    }
    done.row(
        what,
        found.folder().location(),
        Texts.count(found.names().size()),
        Texts.bytes(found.bytes()));
    if (!dry) {
      found.delete();
    }
  }

  /** Several runs may have had the same output. */
  private static List<RunRow> newestOfOutputs(List<RunRow> runs) {
    Map<String, RunRow> newest = new LinkedHashMap<>();
    for (RunRow run : runs) {
      newest.merge(
          run.job() + " " + run.input().output(),
          run,
          (one, other) -> one.startedAt().isAfter(other.startedAt()) ? one : other);
    }
    return List.copyOf(newest.values());
  }
}
