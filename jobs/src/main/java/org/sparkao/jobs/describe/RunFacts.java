package org.sparkao.jobs.describe;

import java.time.Duration;
import java.time.Instant;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.Card;
import org.sparkao.jobs.table.RunRow;

/** What is said about a run in a line each, the same on a terminal and on a page. */
final class RunFacts {
  private RunFacts() {}

  /** The figures that matter most. */
  static List<Card> cards(RunDescription run) {
    DoubleSummaryStatistics sqnr = run.sqnrDb();
    boolean measured = sqnr.getCount() > 0;
    return List.of(
        new Card(
            "Size",
            Texts.bytes(run.outputBytes()),
            "from " + Texts.bytes(run.sourceBytes()) + ratio(run)),
        new Card(
            "Bits per weight",
            bits(run.bitsPerQuantizedWeight()),
            "in quantized tensors; " + bits(run.bitsPerWeight()) + " over all"),
        new Card(
            "Mean SQNR",
            measured ? Texts.decibels(sqnr.getAverage()) : "-",
            measured ? "over " + Texts.count(sqnr.getCount()) + " measured" : "nothing measured"),
        new Card(
            "Worst SQNR",
            measured ? Texts.decibels(sqnr.getMin()) : "-",
            measured ? run.worst(1).get(0).tensor() : "nothing measured"),
        new Card(
            "Quantized tensors",
            Texts.count(run.quantized().size()),
            Texts.count(run.tensors().size() - run.quantized().size()) + " copied unchanged"),
        new Card("NaN or infinite", Texts.count(run.nonFinite()), "values met in the source"));
  }

  private static String ratio(RunDescription run) {
    return run.sourceBytes() == 0
        ? ""
        : ", " + Texts.decimals(100.0 * run.outputBytes() / run.sourceBytes(), 1) + " %";
  }

  private static String bits(double bits) {
    return Double.isNaN(bits) ? "-" : Texts.decimals(bits, 2);
  }

  /** Where the output comes from and how it was made. */
  static Map<String, String> provenance(RunDescription run) {
    RunRow row = run.run();
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Run", row.runId());
    facts.put("Job", row.job());
    facts.put("Status", row.status().name().toLowerCase(Locale.ROOT));
    facts.put("Source", row.input().source());
    facts.put("Output", row.input().output());
    facts.put("Scheme", row.input().scheme());
    facts.put("Schemes used", distinct(run, treatment -> treatment.scheme().orElse("")));
    facts.put("Numerics", distinct(run, TensorResult.Treatment::numerics));
    facts.put("Algorithm", distinct(run, TensorResult.Treatment::algorithm));
    facts.put("Device", distinct(run, TensorResult.Treatment::device));
    facts.put("Files written", Texts.count(row.input().shards()));
    facts.put("Started (UTC)", Texts.time(row.startedAt()));
    facts.put("Ended (UTC)", row.endedAt().map(Texts::time).orElse("-"));
    facts.put("Duration", duration(row));
    facts.put("Fingerprint", row.fingerprint());
    facts.put("Version", row.codeVersion());
    facts.put("Spark application", row.applicationId());
    facts.put("Arguments", row.arguments());
    facts.put("Configuration", row.config());
    return facts;
  }

  /** From start to end; a dash while it runs. */
  static String duration(RunRow row) {
    Instant end = row.endedAt().orElse(null);
    return end == null ? "-" : Texts.duration(Duration.between(row.startedAt(), end));
  }

  private static String distinct(
      RunDescription run, Function<TensorResult.Treatment, String> what) {
    TreeSet<String> values = new TreeSet<>();
    run.quantized().forEach(tensor -> values.add(what.apply(tensor.treatment())));
    return values.isEmpty() ? "-" : String.join(", ", values);
  }
}
