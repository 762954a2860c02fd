package org.sparkao.jobs.compare;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;

/** Two evaluations, item by item. */
public final class CompareJob implements Job {
  private static final ConfigKey<String> RUN =
      ConfigKey.list("run", "RUN", "A run of evaluate; given twice: A, then B.", text -> text);
  private static final ConfigKey<String> TASK =
      ConfigKey.list(
          "task", "NAME", "Only this task; may be repeated. All that both have.", text -> text);
  private static final ConfigKey<String> HTML =
      ConfigKey.output("html", "FILE", "Writes the comparison as a self-contained page of HTML.");

  @Override
  public String name() {
    return "compare";
  }

  @Override
  public String summary() {
    return "Compares two evaluations item by item: differences with intervals, flips and whether"
        + " they are chance.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return List.of(RUN, TASK, HTML);
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException {
    List<String> runs = config.all(RUN);
    if (runs.size() != 2) {
      throw new QuantException("--run: name two runs, --run A --run B; there are " + runs.size());
    }
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    DeltaStore store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    List<String> tasks = config.all(TASK);
    Comparison comparison =
        Comparison.of(
            RunItems.read(store, runs.get(0), tasks), RunItems.read(store, runs.get(1), tasks));
    if (comparison.lines().isEmpty()) {
      throw new QuantException(
          "runs " + runs.get(0) + " and " + runs.get(1) + " have no item in common");
    }
    console.out().println("A: " + runs.get(0));
    console.out().println("B: " + runs.get(1));
    console.out().println();
    CompareText.lines(comparison).forEach(console.out()::println);
    if (config.isSet(HTML)) {
      storage.writeText(config.value(HTML), ComparePage.render(comparison, sources(store, runs)));
      console.out().println("wrote " + config.value(HTML));
    }
    return ExitCode.DONE;
  }

  /** Where the checkpoints of the runs lie, A before B; a dash where the run has no row. */
  private static Map<String, String> sources(DeltaStore store, List<String> runs)
      throws IOException {
    Map<String, String> sources = new LinkedHashMap<>();
    for (String run : runs) {
      List<TableRow> rows = store.read(RunRow.TABLE, run);
      sources.put(run, rows.isEmpty() ? "-" : rows.get(0).text("source"));
    }
    return sources;
  }
}
