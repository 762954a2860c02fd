package org.sparkao.jobs.describe;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.sweep.report.SweepReport;
import org.sparkao.jobs.sweep.report.SweepView;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.Tables;
import org.sparkao.quant.QuantException;

/** Shows one run or one checkpoint, or, without an argument, the columns of the tables. */
public final class DescribeJob implements Job {
  /** The job whose runs have items and scores instead of tensors. */
  private static final String EVALUATE = "evaluate";

  /** The job whose runs have inputs of linear layers. */
  private static final String CALIBRATE = "calibrate";

  /** The job whose runs have samples. */
  private static final String GENERATE = "generate";

  /** The job whose runs have cells. */
  private static final String SWEEP = "sweep";

  /** The job whose runs have steps. */
  private static final String TRAIN = "train";

  private static final ConfigKey<String> SUBJECT =
      ConfigKey.argument(
          "run",
          "RUN|CHECKPOINT",
          "Name of a run, or folder of a checkpoint; without it the columns of the tables are"
              + " shown.");
  private static final ConfigKey<String> HTML =
      ConfigKey.output("html", "FILE", "Writes the run as a self-contained page of HTML.");

  @Override
  public String name() {
    return "describe";
  }

  @Override
  public String summary() {
    return "Shows one run or checkpoint in detail, as text or as a page of HTML.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return List.of(SUBJECT, HTML);
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException {
    Optional<String> subject = config.find(SUBJECT);
    if (subject.isEmpty()) {
      if (config.isSet(HTML)) {
        throw new QuantException("--html " + config.value(HTML) + ": of which run? Name it");
      }
      TextReport.columns(Tables.all()).forEach(console.out()::println);
      return ExitCode.DONE;
    }
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    String root = config.value(CommonKeys.TABLES);
    RunTables tables = new RunTables(new DeltaStore(storage, root));
    List<RunRow> runs = tables.newestFirst();
    Optional<RunRow> run = find(subject.get(), runs, storage);
    if (run.isEmpty()) {
      describeCheckpoint(subject.get(), runs, config, console);
      return ExitCode.DONE;
    }
    show(report(run.get(), tables), storage, config, console);
    return ExitCode.DONE;
  }

  private static void show(Report report, Storage storage, Config config, Console console)
      throws IOException {
    report.lines().forEach(console.out()::println);
    if (config.isSet(HTML)) {
      storage.writeText(config.value(HTML), report.page().get());
      console.out().println("\nwrote " + config.value(HTML));
    }
  }

  /** A run for a terminal; its page costs time and is made when it is asked for. */
  private record Report(List<String> lines, Supplier<String> page) {}

  private static Report report(RunRow run, RunTables tables) throws IOException {
    if (run.job().equals(EVALUATE)) {
      Evaluation evaluation = tables.evaluation(run);
      return new Report(
          EvaluationReport.lines(evaluation), () -> EvaluationReport.page(evaluation));
    }
    if (run.job().equals(CALIBRATE)) {
      CalibrationReport calibration = tables.calibration(run);
      return new Report(calibration.lines(), calibration::page);
    }
    if (run.job().equals(GENERATE)) {
      return new Report(GenerationReport.lines(run), () -> GenerationReport.page(run));
    }
    if (run.job().equals(SWEEP)) {
      SweepView sweep = tables.sweep(run);
      return new Report(SweepReport.lines(sweep), () -> SweepReport.page(sweep));
    }
    if (run.job().equals(TRAIN)) {
      TrainingReport training = tables.training(run);
      return new Report(training.lines(), training::page);
    }
    RunDescription description = tables.describe(run);
    return new Report(TextReport.lines(description), () -> HtmlReport.render(description));
  }

  private static Optional<RunRow> find(String subject, List<RunRow> runs, Storage storage)
      throws IOException {
    Optional<RunRow> named = named(subject, runs);
    if (named.isPresent()) {
      return named;
    }
    Optional<String> writer = Provenance.runId(storage.folder(subject));
    return writer.isPresent() ? named(writer.get(), runs) : Optional.empty();
  }

  private static Optional<RunRow> named(String id, List<RunRow> runs) {
    return runs.stream().filter(run -> run.runId().equals(id)).findFirst();
  }

  private static void describeCheckpoint(
      String subject, List<RunRow> runs, Config config, Console console) throws IOException {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    CheckpointLocation location = CheckpointLocation.of(subject);
    if (storage.folder(location.folder()).list("").isEmpty()) {
      throw unknown(subject, runs, config.value(CommonKeys.TABLES));
    }
    if (config.isSet(HTML)) {
      throw new QuantException(
          "--html "
              + config.value(HTML)
              + ": no run in the tables at "
              + config.value(CommonKeys.TABLES)
              + " wrote "
              + subject
              + "; name the tables of its run with --tables");
    }
    CheckpointText.lines(location.open(storage)).forEach(console.out()::println);
  }

  private static QuantException unknown(String subject, List<RunRow> runs, String tables) {
    String near =
        runs.isEmpty()
            ? "there are no runs at all"
            : "the nearest are " + String.join(", ", RunTables.near(subject, runs));
    return new QuantException(
        subject + ": neither a run in the tables at " + tables + " nor a checkpoint; " + near);
  }
}
