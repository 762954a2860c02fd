package org.sparkao.jobs.evaluate.run;

import java.util.List;
import java.util.Locale;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.table.EvalResultRow;

/** Metrics as people read them. */
public final class ResultLines {
  private ResultLines() {}

  /** The lines that the job ends with. */
  public static List<String> of(List<EvalResultRow> results) {
    TextTable table =
        TextTable.of(
            TextTable.text("task"),
            TextTable.text("version"),
            TextTable.text("metric"),
            TextTable.number("value"),
            TextTable.number("standard error"),
            TextTable.number("items"));
    for (EvalResultRow row : results) {
      table.row(
          row.task(),
          row.taskVersion(),
          row.metric(),
          String.format(Locale.ROOT, "%.4f", row.value()),
          row.spread().standardError().isPresent()
              ? String.format(Locale.ROOT, "%.4f", row.spread().standardError().getAsDouble())
              : "",
          Texts.count(row.items()));
    }
    return table.lines();
  }
}
