package org.sparkao.jobs.describe;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.sparkao.jobs.describe.Evaluation.TaskItems;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.page.HtmlPage;
import org.sparkao.jobs.table.RunRow;

/** An evaluation for a terminal, and as one page of HTML that needs nothing else. */
final class EvaluationReport {
  private static final int WORST_LINES = 10;
  private static final int WORST = 20;
  private static final int LINE_LETTERS = 30;
  private static final int PAGE_LETTERS = 160;
  private static final int HISTOGRAMS = 6;

  private EvaluationReport() {}

  /** The lines. */
  static List<String> lines(Evaluation evaluation) {
    TextTable facts = TextTable.of(TextTable.text("run"), TextTable.text(evaluation.run().runId()));
    EvaluationFacts.provenance(evaluation)
        .forEach(
            (label, value) -> {
              if (!label.equals("Run")) {
                facts.row(label, value);
              }
            });
    List<String> lines = new ArrayList<>(facts.lines());
    section(lines, "Scores", EvaluationFacts.scores(evaluation));
    section(lines, "Tasks", EvaluationFacts.tasks(evaluation));
    section(lines, "Worst items", EvaluationFacts.worst(evaluation, WORST_LINES, LINE_LETTERS));
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
  static String page(Evaluation evaluation) {
    RunRow run = evaluation.run();
    List<TaskItems> tasks = evaluation.tasks();
    HtmlPage page =
        new HtmlPage("evaluation.ftlh")
            .put("run", run.runId())
            .put(
                "subtitle",
                run.input().source()
                    + " on "
                    + tasks.stream().map(TaskItems::task).collect(Collectors.joining(", ")))
            .put("cards", EvaluationFacts.cards(evaluation))
            .put("scores", EvaluationFacts.scores(evaluation))
            .put("tasks", EvaluationFacts.tasks(evaluation))
            .put("worst", EvaluationFacts.worst(evaluation, WORST, PAGE_LETTERS))
            .put("provenance", EvaluationFacts.provenance(evaluation))
            .put("unfinished", run.status() != RunRow.Status.DONE)
            .put("status", run.status().name().toLowerCase(Locale.ROOT))
            .putPictures("scorePictures", EvaluationPictures.scores(evaluation));
    List<TaskItems> largest =
        tasks.stream()
            .sorted(Comparator.comparingInt((TaskItems task) -> -task.items().size()))
            .limit(HISTOGRAMS)
            .toList();
    List<String> titles = new ArrayList<>();
    List<String> histograms = new ArrayList<>();
    for (TaskItems task : largest) {
      EvaluationPictures.likelihoods(task, histograms.size())
          .ifPresent(
              svg -> {
                titles.add(task.task());
                histograms.add(svg);
              });
    }
    return page.put("histogramTitles", titles).putPictures("histograms", histograms).render();
  }
}
