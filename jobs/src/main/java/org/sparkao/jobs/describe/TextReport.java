package org.sparkao.jobs.describe;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.describe.RunDescription.Copied;
import org.sparkao.jobs.describe.RunDescription.ModuleType;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.table.Column;
import org.sparkao.jobs.table.Table;

/** A run for a terminal. */
final class TextReport {
  private static final int WORST = 10;
  private static final int EXAMPLES = 2;

  private TextReport() {}

  /** The lines. */
  static List<String> lines(RunDescription run) {
    List<String> lines = new ArrayList<>();
    TextTable facts = TextTable.of(TextTable.text("run"), TextTable.text(run.run().runId()));
    for (Map.Entry<String, String> fact : RunFacts.provenance(run).entrySet()) {
      if (!fact.getKey().equals("Run")) {
        facts.row(fact.getKey(), fact.getValue());
      }
    }
    lines.addAll(facts.lines());
    lines.add("");
    TextTable cards =
        TextTable.of(TextTable.text("figure"), TextTable.number("value"), TextTable.text("note"));
    RunFacts.cards(run).forEach(card -> cards.row(card.label(), card.value(), card.note()));
    lines.addAll(cards.lines());
    section(lines, "By type of module", types(run));
    if (!run.worst(1).isEmpty()) {
      section(lines, "Worst tensors", worst(run));
    }
    if (!run.copied(1).isEmpty()) {
      section(lines, "Copied unchanged", byReason(run.copied(EXAMPLES)));
    }
    if (!run.fallbacks(1).isEmpty()) {
      section(lines, "Fell back", byReason(run.fallbacks(EXAMPLES)));
    }
    return lines;
  }

  private static void section(List<String> lines, String title, TextTable table) {
    lines.add("");
    lines.add(title);
    lines.addAll(table.lines());
  }

  private static TextTable types(RunDescription run) {
    TextTable table =
        TextTable.of(
            TextTable.text("type"),
            TextTable.number("tensors"),
            TextTable.number("quantized"),
            TextTable.number("before"),
            TextTable.number("after"),
            TextTable.number("mean SQNR"),
            TextTable.number("worst SQNR"));
    for (ModuleType type : run.moduleTypes()) {
      boolean measured = type.sqnrDb().getCount() > 0;
      table.row(
          type.type(),
          Texts.count(type.tensors()),
          Texts.count(type.quantized()),
          Texts.bytes(type.sourceBytes()),
          Texts.bytes(type.outputBytes()),
          measured ? Texts.decibels(type.sqnrDb().getAverage()) : "-",
          measured ? Texts.decibels(type.sqnrDb().getMin()) : "-");
    }
    return table;
  }

  private static TextTable worst(RunDescription run) {
    TextTable table =
        TextTable.of(
            TextTable.text("tensor"),
            TextTable.text("scheme"),
            TextTable.number("SQNR"),
            TextTable.number("amax"),
            TextTable.number("max error"),
            TextTable.number("clipped"));
    for (TensorResult tensor : run.worst(WORST)) {
      TensorResult.Error error = tensor.error().orElseThrow();
      table.row(
          tensor.tensor(),
          tensor.treatment().scheme().orElse("-"),
          Texts.decibels(error.sqnrDb()),
          Texts.significant(error.amax()),
          Texts.significant(error.maxError()),
          Texts.decimals(100 * error.clippedFraction(), 3) + " %");
    }
    return table;
  }

  private static TextTable byReason(List<Copied> tensors) {
    TextTable table =
        TextTable.of(
            TextTable.text("reason"),
            TextTable.number("tensors"),
            TextTable.number("size"),
            TextTable.text("which"));
    for (Copied copied : tensors) {
      String more = copied.tensors() > copied.examples().size() ? ", ..." : "";
      table.row(
          copied.reason(),
          Texts.count(copied.tensors()),
          Texts.bytes(copied.bytes()),
          String.join(", ", copied.examples()) + more);
    }
    return table;
  }

  /** The documentation of tables: what a row is, and each column. */
  static List<String> columns(List<Table> tables) {
    List<String> lines = new ArrayList<>();
    for (Table table : tables) {
      lines.add(
          lines.isEmpty()
              ? table.name() + ": " + table.doc()
              : "\n" + table.name() + ": " + table.doc());
      TextTable columns =
          TextTable.of(TextTable.text("column"), TextTable.text("type"), TextTable.text("what"));
      for (Column column : table.columns()) {
        columns.row(column.name(), column.type().toString(), column.doc());
      }
      lines.addAll(columns.lines());
    }
    return lines;
  }
}
