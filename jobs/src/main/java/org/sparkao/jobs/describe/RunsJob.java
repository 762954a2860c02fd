package org.sparkao.jobs.describe;

import java.io.IOException;
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
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;

/** Lists the runs of the tables. */
public final class RunsJob implements Job {
  private static final ConfigKey<Integer> LIMIT =
      ConfigKey.value("limit", "N", "How many runs to list, newest first.", RunsJob::limit)
          .withDefault("20");

  @Override
  public String name() {
    return "runs";
  }

  @Override
  public String summary() {
    return "Lists runs: what was quantized, when, how, to what size.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return List.of(LIMIT);
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException {
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
          run.status().name().toLowerCase(Locale.ROOT),
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
