package org.sparkao.jobs.sweep.report;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.Card;
import org.sparkao.jobs.page.HtmlPage;
import org.sparkao.jobs.table.SweepRow;

/** A sweep for a terminal, and as one page of HTML that needs nothing else. */
public final class SweepReport {
  private SweepReport() {}

  /** The lines. */
  public static List<String> lines(SweepView view) {
    List<String> lines = new ArrayList<>(SweepTables.cells(view).lines());
    if (!view.lastGood().isEmpty()) {
      lines.add("");
      lines.add("Against the last good run of each cell, item by item:");
      lines.addAll(SweepTables.lastGood(view).lines());
    }
    if (!view.failed().isEmpty()) {
      lines.add("");
      lines.addAll(SweepTables.failures(view).lines());
    }
    return lines;
  }

  /** The page. */
  public static String page(SweepView view) {
    SweepRow run = view.run();
    return new HtmlPage("sweep.ftlh")
        .put("title", run.sweep())
        .put("subtitle", "Sweep, as run " + run.runId() + " left it")
        .put("cards", cards(view))
        .put("cells", SweepTables.cells(view))
        .put("failures", SweepTables.failures(view))
        .put("lastGood", SweepTables.lastGood(view))
        .putPictures("sizes", SweepPictures.sizes(view))
        .putPictures("speeds", SweepPictures.speeds(view))
        .put("definition", run.definition())
        .put("provenance", provenance(run))
        .render();
  }

  private static List<Card> cards(SweepView view) {
    SweepRow.Counts counts = view.run().counts();
    return List.of(
        new Card(
            "Cells",
            Texts.count(counts.cells()),
            Texts.count(counts.computed())
                + " computed by this run, "
                + Texts.count(counts.kept())
                + " before"),
        new Card("Failed", Texts.count(counts.failed()), "or refused; the next run tries again"),
        new Card(
            "Regressions",
            Texts.count(counts.regressions()),
            "worse than the last good run beyond chance"),
        new Card("Time", time(view.run()), "from the first start to the end"));
  }

  private static String time(SweepRow run) {
    return run.endedAt()
        .map(end -> Texts.duration(Duration.between(run.startedAt(), end)))
        .orElse("-");
  }

  private static Map<String, String> provenance(SweepRow run) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Run", run.runId());
    facts.put("Sweep", run.sweep());
    facts.put("Output", run.output());
    facts.put("Exit code", run.exitCode().map(String::valueOf).orElse("-"));
    facts.put("Started (UTC)", Texts.time(run.startedAt()));
    facts.put("Ended (UTC)", run.endedAt().map(Texts::time).orElse("-"));
    return facts;
  }
}
