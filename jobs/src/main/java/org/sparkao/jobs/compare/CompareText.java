package org.sparkao.jobs.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;

/** A comparison for a terminal. */
final class CompareText {
  private CompareText() {}

  static List<String> lines(Comparison comparison) {
    List<String> lines = new ArrayList<>(table(comparison).lines());
    lines.add("");
    lines.addAll(notes(comparison));
    return lines;
  }

  /** A row a metric of a task. */
  static TextTable table(Comparison comparison) {
    TextTable table =
        TextTable.of(
            TextTable.text("task"),
            TextTable.text("metric"),
            TextTable.number("A"),
            TextTable.number("B"),
            TextTable.number("B - A"),
            TextTable.number("95 % interval"),
            TextTable.number("pairs"),
            TextTable.number("right to wrong"),
            TextTable.number("wrong to right"),
            TextTable.number("McNemar p"));
    comparison.lines().forEach(line -> table.row(cells(line).toArray(String[]::new)));
    return table;
  }

  /** What the rows do not say. */
  static List<String> notes(Comparison comparison) {
    List<String> lines = new ArrayList<>();
    comparison.tasks().forEach(items -> lines.addAll(notes(items)));
    comparison.onlyA().forEach(task -> lines.add(task + ": only in A"));
    comparison.onlyB().forEach(task -> lines.add(task + ": only in B"));
    return lines;
  }

  /** The cells of a line, in the order of the table. */
  static List<String> cells(Comparison.Line line) {
    PairedBootstrap values = line.bootstrap();
    return List.of(
        line.items().task(),
        line.metric(),
        Texts.decimals(values.a(), 4),
        Texts.decimals(values.b(), 4),
        Texts.signed(values.difference(), 4),
        Texts.signed(values.low(), 4) + " to " + Texts.signed(values.high(), 4),
        Texts.count(line.items().a().size()),
        line.flips().map(flips -> Texts.count(flips.lost())).orElse("-"),
        line.flips().map(flips -> Texts.count(flips.won())).orElse("-"),
        line.flips()
            .map(
                flips ->
                    String.format(Locale.ROOT, "%.4g", flips.probability())
                        + " ("
                        + flips.method()
                        + ")")
            .orElse("-"));
  }

  /** What is not in the pairs, or not alike in them. */
  static List<String> notes(PairedItems items) {
    List<String> notes = new ArrayList<>();
    if (items.onlyA() > 0) {
      notes.add(items.task() + ": " + Texts.count(items.onlyA()) + " items only in A");
    }
    if (items.onlyB() > 0) {
      notes.add(items.task() + ": " + Texts.count(items.onlyB()) + " items only in B");
    }
    if (items.otherPrompt() > 0) {
      notes.add(
          items.task()
              + ": "
              + Texts.count(items.otherPrompt())
              + " pairs got other tokens in B (tokenizer, examples, template or context differ)");
    }
    return notes;
  }
}
