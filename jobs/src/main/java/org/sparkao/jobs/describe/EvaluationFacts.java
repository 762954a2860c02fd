package org.sparkao.jobs.describe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.Card;
import org.sparkao.jobs.table.AskedItem;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;

/** Figures and tables of an evaluation, the same on a terminal and on a page. */
final class EvaluationFacts {
  private EvaluationFacts() {}

  /** The figures that matter most. */
  static List<Card> cards(Evaluation evaluation) {
    Evaluation.TaskItems all = evaluation.all();
    long items = evaluation.items().size();
    List<Card> cards = new ArrayList<>();
    evaluation.results().stream()
        .findFirst()
        .ifPresent(
            row ->
                cards.add(
                    new Card(row.task() + " " + row.metric(), number(row.value()), error(row))));
    cards.add(
        new Card(
            "Items",
            Texts.count(items),
            Texts.count(all.takenOver()) + " taken over from other runs"));
    cards.add(
        new Card(
            "Tokens",
            Texts.count(all.contextTokens() + all.continuationTokens()),
            Texts.count(all.continuationTokens()) + " of them scored or generated"));
    cards.add(
        new Card(
            "Time",
            RunFacts.duration(evaluation.run()),
            Texts.duration(all.computing()) + " of computing, executors together"));
    cards.add(
        new Card(
            "Truncated items",
            Texts.count(all.truncated()),
            Texts.count(all.truncatedTokens()) + " tokens were cut off on the left"));
    return cards;
  }

  private static String error(EvalResultRow row) {
    return row.spread().standardError().isPresent()
        ? "standard error " + number(row.spread().standardError().getAsDouble())
        : "of one item";
  }

  /** What was evaluated, and how. */
  static Map<String, String> provenance(Evaluation evaluation) {
    RunRow row = evaluation.run();
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Run", row.runId());
    facts.put("Job", row.job());
    facts.put("Status", row.status().name().toLowerCase(Locale.ROOT));
    facts.put("Checkpoint", row.input().source());
    facts.put("Checkpoint hash", evaluation.distinct(item -> item.key().checkpointHash()));
    facts.put("Size", Texts.bytes(row.input().sourceBytes()));
    facts.put("Numerics", evaluation.distinct(item -> item.key().numerics()));
    facts.put("Device", evaluation.distinct(item -> item.key().device()));
    facts.put("Computed by", evaluation.distinct(item -> item.origin().run()));
    facts.put("Started (UTC)", Texts.time(row.startedAt()));
    facts.put("Ended (UTC)", row.endedAt().map(Texts::time).orElse("-"));
    facts.put("Duration", RunFacts.duration(row));
    facts.put("Fingerprint", row.fingerprint());
    facts.put("Version", row.codeVersion());
    facts.put("Spark application", row.applicationId());
    facts.put("Arguments", row.arguments());
    facts.put("Configuration", row.config());
    return facts;
  }

  /** Every metric of every task. */
  static TextTable scores(Evaluation evaluation) {
    TextTable table =
        TextTable.of(
            TextTable.text("task"),
            TextTable.text("metric"),
            TextTable.number("value"),
            TextTable.number("standard error"),
            TextTable.number("95 % interval"),
            TextTable.number("items"));
    for (EvalResultRow row : evaluation.results()) {
      OptionalDouble error = row.spread().standardError();
      table.row(
          row.task(),
          row.metric(),
          number(row.value()),
          error.isPresent() ? number(error.getAsDouble()) : "-",
          error.isPresent() ? number(Interval.low(row)) + " to " + number(Interval.high(row)) : "-",
          Texts.count(row.items()));
    }
    return table;
  }

  /** What was computed of each task. */
  static TextTable tasks(Evaluation evaluation) {
    TextTable table =
        TextTable.of(
            TextTable.text("task"),
            TextTable.text("version"),
            TextTable.number("items"),
            TextTable.number("taken over"),
            TextTable.number("context tokens"),
            TextTable.number("scored tokens"),
            TextTable.number("truncated items"),
            TextTable.number("truncated tokens"),
            TextTable.number("computing"));
    for (Evaluation.TaskItems task : evaluation.tasks()) {
      table.row(
          task.task(),
          task.version(),
          Texts.count(task.items().size()),
          Texts.count(task.takenOver()),
          Texts.count(task.contextTokens()),
          Texts.count(task.continuationTokens()),
          Texts.count(task.truncated()),
          Texts.count(task.truncatedTokens()),
          Texts.duration(task.computing()));
    }
    return table;
  }

  /**
   * The worst items, at most so many.
   *
   * @param letters of each text that is shown
   */
  static TextTable worst(Evaluation evaluation, int limit, int letters) {
    TextTable table =
        TextTable.of(
            TextTable.text("task"),
            TextTable.number("item"),
            TextTable.text("right"),
            TextTable.number("margin"),
            TextTable.number("nats a token"),
            TextTable.number("tokens"),
            TextTable.text("asked"),
            TextTable.text("right answer"),
            TextTable.text("answer"),
            TextTable.text("item hash"));
    for (EvalItemRow item : evaluation.worst(limit)) {
      AskedItem asked = item.item().asked();
      table.row(
          item.key().task(),
          Texts.count(item.item().index()),
          item.scores().correct().isPresent()
              ? item.scores().correct().getAsLong() == 1 ? "yes" : "no"
              : "-",
          nats(item.margin()),
          nats(item.outcome().likeliest()),
          Texts.count(item.outcome().tokens()),
          asked.question().map(text -> Texts.end(Texts.line(text), letters)).orElse("-"),
          asked.target().map(text -> Texts.end(Texts.line(text), letters)).orElse("-"),
          item.answer().map(text -> Texts.beginning(Texts.line(text), letters)).orElse("-"),
          Texts.shortHash(item.item().hash()));
    }
    return table;
  }

  private static String nats(OptionalDouble value) {
    return value.isPresent() ? Texts.decimals(value.getAsDouble(), 3) : "-";
  }

  private static String number(double value) {
    return Texts.decimals(value, 4);
  }
}
