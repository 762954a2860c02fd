package org.sparkao.jobs.quickstart;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.describe.RunDescription;
import org.sparkao.jobs.describe.RunTables;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.job.SampleFiles;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.quant.QuantException;

/** Everything there is, on the bundled sample; Spark starts once. */
public final class QuickstartJob implements Job {
  private static final List<String> SCHEMES = List.of("FP8_DYNAMIC", "W8A8", "W4A16");
  private static final ConfigKey<String> OUTPUT =
      ConfigKey.text("output", "FOLDER", "Local folder to write everything into.")
          .withDefault("./sparkao-quickstart");

  @Override
  public String name() {
    return "quickstart";
  }

  @Override
  public String summary() {
    return "Quantizes, verifies, describes, evaluates and trains the bundled sample under several"
        + " schemes.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return List.of(OUTPUT);
  }

  @Override
  public ExitCode run(Config config, Console console) throws Exception {
    String folder = config.value(OUTPUT);
    Path root =
        Storage.localPath(folder)
            .orElseThrow(
                () -> new QuantException("--output " + folder + ": name a folder of this machine"));
    Path checkpoint = root.resolve("sample");
    SparkLease spark = SparkLease.open(config, "sparkao quickstart");
    try {
      boolean copied = SampleFiles.provide(checkpoint);
      console.out().println("sample: " + (copied ? "copied to " : "already at ") + checkpoint);
      RunTables tables =
          new RunTables(
              new DeltaStore(
                  Storage.ofAssignments(config.all(CommonKeys.CONF)),
                  config.value(CommonKeys.TABLES)));
      JobCalls jobs = new JobCalls(config, console);
      EvaluationSteps evaluation = new EvaluationSteps(jobs);
      EvaluationSteps.Outcome before = evaluation.evaluate(checkpoint);
      Path page = root.resolve("sample.html");
      evaluation.describe(before, page);
      console.out().println("sample: accuracy " + before.text() + " unquantized");
      List<SchemeSteps.Outcome> outcomes = new ArrayList<>();
      for (String scheme : SCHEMES) {
        SchemeSteps steps = new SchemeSteps(jobs, tables, checkpoint, root.resolve(scheme));
        outcomes.add(steps.run(scheme, before));
        console.out().println(scheme + ": " + outcomes.get(outcomes.size() - 1).note());
      }
      TrainingSteps training = new TrainingSteps(jobs, root);
      console.out().println("trained: " + training.run(checkpoint));
      Path output = root.resolve(TrainingSteps.SCHEME + "-trained");
      SchemeSteps.Outcome trained =
          new SchemeSteps(jobs, tables, training.output(), output)
              .run(TrainingSteps.SCHEME, before);
      outcomes.add(trained);
      console.out().println(trained.name() + ": " + trained.note());
      console.out().println();
      schemes(before, outcomes).lines().forEach(console.out()::println);
      console.out().println();
      TextTable written = TextTable.of(TextTable.text("what"), TextTable.text("where"));
      written.row("evaluation of the sample", page.toString());
      written.row("training for " + TrainingSteps.SCHEME, training.page().toString());
      outcomes.forEach(outcome -> outcome.addTo(written));
      written.row("Delta tables", config.value(CommonKeys.TABLES));
      written.lines().forEach(console.out()::println);
      boolean clean = outcomes.stream().allMatch(outcome -> outcome.verified() == ExitCode.DONE);
      return clean ? ExitCode.DONE : ExitCode.FAILED;
    } finally {
      spark.close();
    }
  }

  private static TextTable schemes(
      EvaluationSteps.Outcome before, List<SchemeSteps.Outcome> outcomes) {
    TextTable table =
        TextTable.of(
            TextTable.text("scheme"),
            TextTable.number("before"),
            TextTable.number("after"),
            TextTable.number("bits/weight"),
            TextTable.number("mean SQNR"),
            TextTable.number("worst SQNR"),
            TextTable.number("accuracy"),
            TextTable.text("verify"));
    String size = Texts.bytes(outcomes.get(0).run().sourceBytes());
    table.row("none", size, size, "16.00", "-", "-", before.text(), "-");
    for (SchemeSteps.Outcome outcome : outcomes) {
      RunDescription run = outcome.run();
      table.row(
          outcome.name(),
          Texts.bytes(run.sourceBytes()),
          Texts.bytes(run.outputBytes()),
          Texts.decimals(run.bitsPerQuantizedWeight(), 2),
          Texts.decibels(run.sqnrDb().getAverage()),
          Texts.decibels(run.sqnrDb().getMin()),
          outcome.evaluated().text(),
          outcome.verified() == ExitCode.DONE ? "ok" : "errors");
    }
    return table;
  }
}
