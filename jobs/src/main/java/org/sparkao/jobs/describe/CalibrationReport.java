package org.sparkao.jobs.describe;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.Card;
import org.sparkao.jobs.page.HtmlPage;
import org.sparkao.jobs.table.CalibrationRow;
import org.sparkao.jobs.table.RunRow;

/**
 * A calibration for a terminal, and as one page of HTML that needs nothing else.
 *
 * @param run which
 * @param rows one a linear layer; none before the run is done
 */
record CalibrationReport(RunRow run, List<CalibrationRow> rows) {
  private static final int LARGEST = 10;
  private static final int EXPERTS = 10;

  CalibrationReport {
    rows = List.copyOf(rows);
  }

  /** The lines. */
  List<String> lines() {
    TextTable facts = TextTable.of(TextTable.text("run"), TextTable.text(run.runId()));
    provenance().forEach(facts::row);
    List<String> lines = new ArrayList<>(facts.lines());
    section(lines, "By type of module", types());
    section(lines, "Largest inputs beside their 99.99 %", largest());
    section(lines, "Experts that saw least", experts());
    return lines;
  }

  private static void section(List<String> lines, String title, TextTable table) {
    if (!table.rows().isEmpty()) {
      lines.add("");
      lines.add(title);
      lines.addAll(table.lines());
    }
  }

  /** The page. */
  String page() {
    return new HtmlPage("calibration.ftlh")
        .put("run", run.runId())
        .put("subtitle", run.input().source())
        .put("unfinished", run.status() != RunRow.Status.DONE)
        .put("status", run.status().name().toLowerCase(Locale.ROOT))
        .put("cards", cards())
        .put("types", types())
        .put("largest", largest())
        .put("experts", experts())
        .put("provenance", provenance())
        .render();
  }

  private Map<String, String> provenance() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Job", run.job());
    facts.put("Status", run.status().name().toLowerCase(Locale.ROOT));
    facts.put("Checkpoint", run.input().source());
    facts.put("Output", run.input().output());
    facts.put("Numerics", run.input().scheme());
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

  private List<Card> cards() {
    long tokens = rows.stream().mapToLong(row -> row.tokens().all()).max().orElse(0);
    long dead = rows.stream().mapToLong(row -> row.values().deadChannels()).sum();
    long shown = rows.stream().filter(row -> row.tokens().shown() > 0).count();
    return List.of(
        new Card("Linear layers", Texts.count(rows.size()), "each with its input"),
        new Card("Tokens", Texts.count(tokens), "through every block"),
        new Card("Dead channels", Texts.count(dead), "never anything but zero"),
        new Card("Layers shown more", Texts.count(shown), "of experts that saw too little"),
        new Card("Time", RunFacts.duration(run), "from start to end"));
  }

  private static String type(CalibrationRow row) {
    return row.module().substring(row.module().lastIndexOf('.') + 1);
  }

  private TextTable types() {
    Map<String, List<CalibrationRow>> byType = new TreeMap<>();
    rows.forEach(row -> byType.computeIfAbsent(type(row), type -> new ArrayList<>()).add(row));
    TextTable table =
        TextTable.of(
            TextTable.text("type"),
            TextTable.number("layers"),
            TextTable.number("channels"),
            TextTable.number("largest amax"),
            TextTable.number("largest 99.99 %"),
            TextTable.number("mean of x^2"),
            TextTable.number("dead channels"));
    byType.forEach(
        (type, all) ->
            table.row(
                type,
                Texts.count(all.size()),
                Texts.count(all.get(0).columns()),
                Texts.significant(largest(all, row -> row.values().amax())),
                Texts.significant(largest(all, row -> row.values().percentiles().get(2))),
                Texts.significant(
                    all.stream().mapToDouble(row -> row.values().meanSquare()).average().orElse(0)),
                Texts.count(all.stream().mapToLong(row -> row.values().deadChannels()).sum())));
    return table;
  }

  private static double largest(List<CalibrationRow> rows, ToDoubleFunction<CalibrationRow> of) {
    return rows.stream().mapToDouble(of).max().orElse(0);
  }

  /** How much larger the largest value is than nearly all: what a scale by amax loses. */
  private static double excess(CalibrationRow row) {
    double usual = row.values().percentiles().get(2);
    return usual == 0 ? 0 : row.values().amax() / usual;
  }

  private TextTable largest() {
    TextTable table =
        TextTable.of(
            TextTable.text("input"),
            TextTable.number("amax"),
            TextTable.number("99.99 %"),
            TextTable.number("99 %"),
            TextTable.number("amax / 99.99 %"));
    rows.stream()
        .filter(row -> row.module().equals(row.input()))
        .sorted(
            Comparator.comparingDouble(CalibrationReport::excess)
                .reversed()
                .thenComparing(CalibrationRow::module))
        .limit(LARGEST)
        .forEach(
            row ->
                table.row(
                    row.input(),
                    Texts.significant(row.values().amax()),
                    Texts.significant(row.values().percentiles().get(2)),
                    Texts.significant(row.values().percentiles().get(0)),
                    Texts.significant(excess(row))));
    return table;
  }

  private TextTable experts() {
    TextTable table =
        TextTable.of(
            TextTable.text("input"),
            TextTable.number("routed"),
            TextTable.number("coverage"),
            TextTable.number("shown besides"));
    rows.stream()
        .filter(row -> row.expert().isPresent() && row.module().equals(row.input()))
        .sorted(
            Comparator.comparingLong((CalibrationRow row) -> row.tokens().routed())
                .thenComparing(CalibrationRow::module))
        .limit(EXPERTS)
        .forEach(
            row ->
                table.row(
                    row.input(),
                    Texts.count(row.tokens().routed()),
                    Texts.decimals(100 * row.tokens().coverage(), 2) + " %",
                    Texts.count(row.tokens().shown())));
    return table;
  }
}
