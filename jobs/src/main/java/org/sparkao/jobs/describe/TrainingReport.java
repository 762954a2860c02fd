package org.sparkao.jobs.describe;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.Card;
import org.sparkao.jobs.page.HtmlPage;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TrainStepRow;

/**
 * A training for a terminal, and as one page of HTML that needs nothing else.
 *
 * @param run which
 * @param steps of all blocks, by block and step; none before the run is done
 */
record TrainingReport(RunRow run, List<TrainStepRow> steps) {
  /** Steps at both ends whose losses are averaged, at least {@link #END_STEPS}. */
  private static final double END_SHARE = 0.1;

  private static final int END_STEPS = 5;

  TrainingReport {
    steps = List.copyOf(steps);
  }

  /** The lines. */
  List<String> lines() {
    TextTable facts = TextTable.of(TextTable.text("run"), TextTable.text(run.runId()));
    provenance().forEach(facts::row);
    List<String> lines = new ArrayList<>(facts.lines());
    if (!steps.isEmpty()) {
      lines.add("");
      lines.add("Loss");
      lines.addAll(losses().lines());
    }
    return lines;
  }

  /** The page. */
  String page() {
    HtmlPage page =
        new HtmlPage("training.ftlh")
            .put("run", run.runId())
            .put("subtitle", run.input().source() + " for " + run.input().scheme())
            .put("unfinished", run.status() != RunRow.Status.DONE)
            .put("status", status())
            .put("cards", cards())
            .put("losses", losses())
            .put("provenance", provenance());
    if (!steps.isEmpty()) {
      TrainingPictures pictures = new TrainingPictures(units());
      List<TrainingPictures.Picture> others = pictures.others();
      page.putPicture("curve", pictures.loss())
          .put("stepTitles", others.stream().map(TrainingPictures.Picture::title).toList())
          .putPictures("stepPictures", others.stream().map(TrainingPictures.Picture::svg).toList());
    }
    return page.render();
  }

  private Map<Long, List<TrainStepRow>> units() {
    Map<Long, List<TrainStepRow>> units = new TreeMap<>();
    steps.forEach(step -> units.computeIfAbsent(step.block(), b -> new ArrayList<>()).add(step));
    return units;
  }

  /** One row a block, or the model's. */
  private TextTable losses() {
    TextTable table =
        TextTable.of(
            TextTable.text("trained"),
            TextTable.number("steps"),
            TextTable.number("first losses"),
            TextTable.number("last losses"),
            TextTable.number("ratio"),
            TextTable.number("median scale"),
            TextTable.number("time"),
            TextTable.number("tokens/s"));
    units()
        .forEach(
            (block, own) -> {
              int end = Math.max(Math.min(END_STEPS, own.size()), (int) (END_SHARE * own.size()));
              double first = mean(own.subList(0, end));
              double last = mean(own.subList(own.size() - end, own.size()));
              table.row(
                  TrainingPictures.name(block),
                  Texts.count(own.size()),
                  Texts.significant(first),
                  Texts.significant(last),
                  Texts.decimals(last / first, 3),
                  scales(own),
                  Texts.duration(Duration.ofMillis(Math.round(1e3 * seconds(own)))),
                  Texts.count(Math.round(tokens(own) / seconds(own))));
            });
    return table;
  }

  /** What became of the median of the learned scales; a dash where scales are computed. */
  private static String scales(List<TrainStepRow> rows) {
    List<Double> medians =
        rows.stream()
            .filter(row -> !row.scales().isEmpty())
            .map(row -> row.scales().get(row.scales().size() / 2))
            .toList();
    return medians.isEmpty()
        ? "-"
        : Texts.significant(medians.get(0))
            + " \u2192 "
            + Texts.significant(medians.get(medians.size() - 1));
  }

  private static double mean(List<TrainStepRow> rows) {
    return rows.stream().mapToDouble(TrainStepRow::loss).average().orElse(Double.NaN);
  }

  private static long tokens(List<TrainStepRow> rows) {
    return rows.stream().mapToLong(TrainStepRow::tokens).sum();
  }

  private static double seconds(List<TrainStepRow> rows) {
    return rows.stream().mapToDouble(TrainStepRow::seconds).sum();
  }

  private List<Card> cards() {
    return List.of(
        new Card("Steps", Texts.count(steps.size()), "of all that is trained"),
        new Card("Tokens", Texts.count(tokens(steps)), "seen by all steps"),
        new Card("Speed", speed(), "of one task, its steps alone"),
        new Card("Time", RunFacts.duration(run), "from the first start to the end"));
  }

  private String speed() {
    return steps.isEmpty()
        ? "-"
        : Texts.count(Math.round(tokens(steps) / seconds(steps))) + " tokens/s";
  }

  private String status() {
    return run.status().name().toLowerCase(Locale.ROOT);
  }

  private Map<String, String> provenance() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Job", run.job());
    facts.put("Status", status());
    facts.put("Checkpoint", run.input().source());
    facts.put("Output", run.input().output());
    facts.put("Scheme", run.input().scheme());
    facts.put("Quantized layers", Texts.count(run.input().quantized()));
    facts.put(
        "Trained", Texts.count(steps.size()) + " steps, " + Texts.count(tokens(steps)) + " tokens");
    facts.put(
        "Computed on",
        steps.stream().map(TrainStepRow::device).distinct().collect(Collectors.joining("; ")));
    facts.put("Started (UTC)", Texts.time(run.startedAt()));
    facts.put("Ended (UTC)", run.endedAt().map(Texts::time).orElse("-"));
    facts.put("Duration", RunFacts.duration(run));
    facts.put("Fingerprint", run.fingerprint());
    facts.put("Version", run.codeVersion());
    facts.put("Spark application", run.applicationId());
    facts.put("Arguments", run.arguments());
    facts.put("Configuration", run.config());
    return facts;
  }
}
