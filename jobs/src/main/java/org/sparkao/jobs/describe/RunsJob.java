package org.sparkao.jobs.describe;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.maintain.Ages;
import org.sparkao.jobs.maintain.RunPruning;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.quant.QuantException;

/** Lists the runs of the tables. */
public final class RunsJob implements Job {
  private static final ConfigKey<Integer> LIMIT =
      ConfigKey.value("limit", "N", "How many runs to list, newest first.", RunsJob::limit)
          .withDefault("20");
  private static final ConfigKey<Boolean> PRUNE =
      ConfigKey.flag(
          "prune",
          "Takes runs out of all tables, but those that sweeps go on from and those of drivers that"
              + " live. Outputs stay.");
  private static final ConfigKey<Duration> OLDER_THAN =
      Ages.key("With --prune: runs that ended so long ago, such as 30d or 12h.").withDefault("30d");
  private static final ConfigKey<RunRow.Status> STATUS =
      ConfigKey.list(
          "status",
          "done|failed|refused|running",
          "With --prune: runs that ended so; failed and refused ones when not given. May be"
              + " repeated. Of running ones those whose driver was killed.",
          RunsJob::status);
  private static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag("dry-run", "With --prune: says what would be taken out, changes nothing.");

  @Override
  public String name() {
    return "runs";
  }

  @Override
  public String summary() {
    return "Lists runs: what was quantized, when, how, to what size; forgets old ones.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return List.of(LIMIT, PRUNE, OLDER_THAN, STATUS, DRY_RUN);
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException, InterruptedException {
    if (config.value(PRUNE)) {
      prune(config, console);
      return ExitCode.DONE;
    }
    for (ConfigKey<?> key : List.of(OLDER_THAN, STATUS, DRY_RUN)) {
      if (config.isSet(key)) {
        throw new QuantException("--" + key.name() + " goes with --prune alone");
      }
    }
    String tables = config.value(CommonKeys.TABLES);
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    List<RunRow> runs = new RunTables(new DeltaStore(storage, tables)).newestFirst();
    if (runs.isEmpty()) {
      console.out().println("There are no runs in the tables at " + tables);
      return ExitCode.DONE;
    }
    int limit = config.value(LIMIT);
    lines(runs.subList(0, Math.min(limit, runs.size()))).forEach(console.out()::println);
    if (runs.size() > limit) {
      console.out().println(Texts.count(runs.size() - limit) + " older ones: --limit N");
    }
    return ExitCode.DONE;
  }

  private static void prune(Config config, Console console)
      throws IOException, InterruptedException {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    DeltaStore store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    List<RunRow.Status> asked = config.all(STATUS);
    RunPruning pruning =
        new RunPruning(
            storage,
            store,
            Instant.now().minus(config.value(OLDER_THAN)),
            asked.isEmpty()
                ? EnumSet.of(RunRow.Status.FAILED, RunRow.Status.REFUSED)
                : EnumSet.copyOf(asked));
    TextTable table =
        TextTable.of(
            TextTable.text("run"),
            TextTable.text("job"),
            TextTable.text("status"),
            TextTable.text("started (UTC)"),
            TextTable.text("what"));
    long out = 0;
    for (RunPruning.Candidate candidate : pruning.candidates()) {
      RunRow run = candidate.run();
      String what = "to take out";
      if (candidate.kept().isPresent()) {
        what = "kept: " + candidate.kept().orElseThrow();
      } else if (!config.value(DRY_RUN)) {
        boolean removed = pruning.remove(run);
        what = removed ? "taken out" : "kept: somebody went on with it";
        out += removed ? 1 : 0;
      }
      table.row(run.runId(), run.job(), status(run.status()), Texts.time(run.startedAt()), what);
    }
    if (table.rows().isEmpty()) {
      console
          .out()
          .println("There are no such runs in the tables at " + config.value(CommonKeys.TABLES));
      return;
    }
    table.lines().forEach(console.out()::println);
    console.out().println(Texts.count(out) + " runs were taken out");
  }

  private static String status(RunRow.Status status) {
    return status.name().toLowerCase(Locale.ROOT);
  }

  private static RunRow.Status status(String text) {
    return Arrays.stream(RunRow.Status.values())
        .filter(status -> status(status).equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("use done, failed, refused or running"));
  }

  static List<String> lines(List<RunRow> runs) {
    TextTable table =
        TextTable.of(
            TextTable.text("run"),
            TextTable.text("job"),
            TextTable.text("status"),
            TextTable.text("started (UTC)"),
            TextTable.number("time"),
            TextTable.text("scheme"),
            TextTable.number("before"),
            TextTable.number("after"),
            TextTable.text("checkpoint"),
            TextTable.text("output"));
    for (RunRow run : runs) {
      table.row(
          run.runId(),
          run.job(),
          status(run.status()),
          Texts.time(run.startedAt()),
          RunFacts.duration(run),
          run.input().scheme(),
          Texts.bytes(run.input().sourceBytes()),
          Texts.bytes(run.input().outputBytes()),
          run.input().source(),
          run.input().output());
    }
    return table.lines();
  }

  private static Integer limit(String text) {
    if (!text.matches("[1-9]\\d{0,8}")) {
      throw new IllegalArgumentException("use a whole number from 1 on");
    }
    return Integer.valueOf(text);
  }
}
