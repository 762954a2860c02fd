package org.sparkao.jobs.describe;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;

/** What describe says of a run of evaluate. */
class TestEvaluationReport {
  private static Document page(Evaluation evaluation) {
    return Jsoup.parse(EvaluationReport.page(evaluation));
  }

  private static Evaluation of(EvalItemRow... items) {
    return new Evaluation(EvaluationFixture.run(RunRow.Status.RUNNING), List.of(), List.of(items));
  }

  private static String card(Document page, String label) {
    return page.select(".card").stream()
        .filter(card -> card.select(".label").text().equals(label))
        .map(card -> card.select(".value").text() + " | " + card.select(".note").text())
        .findFirst()
        .orElseThrow();
  }

  /** Four questions of 25 tokens, 5 of them scored, and a text of 101, 100 of them scored. */
  @Test
  void showsTheFigures() {
    Document page = page(EvaluationFixture.evaluation());
    assertThat(page.select("h1").text()).isEqualTo("evaluate-1");
    assertThat(page.select("header p").text()).isEqualTo("models/llama on quiz, text");
    assertThat(card(page, "quiz acc")).isEqualTo("0.5000 | standard error 0.2500");
    assertThat(card(page, "Items")).isEqualTo("5 | 1 taken over from other runs");
    assertThat(card(page, "Tokens")).isEqualTo("201 | 120 of them scored or generated");
    assertThat(card(page, "Time")).isEqualTo("75 s | 2.0 s of computing, executors together");
    assertThat(card(page, "Truncated items")).isEqualTo("1 | 7 tokens were cut off on the left");
  }

  /** 0.5 - 1.96 x 0.25 = 0.01. */
  @Test
  void showsScoresWithTheirErrors() {
    Document page = page(EvaluationFixture.evaluation());
    assertThat(page.select("#scores tbody tr").eachText())
        .containsExactly(
            "quiz acc 0.5000 0.2500 0.0100 to 0.9900 4", "text word_perplexity 35.5000 - - 4");
    assertThat(page.select("#scores svg").eachAttr("aria-label"))
        .containsExactly(
            "Scores and their 95 % intervals, percent of items",
            "Scores and their 95 % intervals, word_perplexity");
  }

  /** 0.9 + 1.96 x 0.1 and 0.1 - 1.96 x 0.1 are no shares; 1 + 1.96 x 2 is a perplexity. */
  @Test
  void intervalsOfSharesEndAtNoneAndAll() {
    Evaluation evaluation =
        new Evaluation(
            EvaluationFixture.run(RunRow.Status.DONE),
            List.of(
                EvaluationFixture.result("quiz", "acc", 0.9, OptionalDouble.of(0.1)),
                EvaluationFixture.result("quiz", "acc_norm", 0.1, OptionalDouble.of(0.1)),
                EvaluationFixture.result("text", "word_perplexity", 1, OptionalDouble.of(2))),
            List.of(EvaluationFixture.quiz(0, true, 1, EvaluationFixture.RUN)));
    assertThat(page(evaluation).select("#scores tbody tr").eachText())
        .containsExactly(
            "quiz acc 0.9000 0.1000 0.7040 to 1.0000 4",
            "quiz acc_norm 0.1000 0.1000 0.0000 to 0.2960 4",
            "text word_perplexity 1.0000 2.0000 -2.9200 to 4.9200 4");
  }

  @Test
  void countsWhatEachTaskTook() {
    assertThat(page(EvaluationFixture.evaluation()).select("#tasks tbody tr").eachText())
        .containsExactly("quiz 2.0 4 1 80 20 0 0 1.5 s", "text 1.0 1 0 1 100 1 7 0.5 s");
  }

  @Test
  void listsTheWorstItemsFirst() {
    Document page = page(EvaluationFixture.evaluation());
    assertThat(page.select("#worst tbody tr").eachText())
        .containsExactly(
            "quiz 1 no -7.000 -1.000 25 Which of both? the second the first hash-of-quiz",
            "quiz 2 no -5.000 -2.000 25 Which of both? the second the first hash-of-quiz",
            "text 0 - - -2.500 101 - - - hash-of-text",
            "quiz 3 yes 4.000 -2.500 25 Which of both? the first the first hash-of-quiz",
            "quiz 0 yes 8.000 -0.500 25 Which of both? the first the first hash-of-quiz");
    assertThat(page.select("#likelihoods figcaption").eachText()).containsExactly("quiz", "text");
    assertThat(page.select("#likelihoods svg")).hasSize(2);
  }

  @Test
  void keepsProvenance() {
    assertThat(page(EvaluationFixture.evaluation()).select("#provenance tr").eachText())
        .contains(
            "Checkpoint models/llama",
            "Checkpoint hash cccccccc",
            "Size 2.50 MB",
            "Numerics fp32 exact",
            "Device cpu avx2",
            "Computed by evaluate-0, evaluate-1",
            "Duration 75 s",
            "Version 0.1.0");
  }

  @Test
  void showsARunThatGoesOn() {
    Document page = page(of());
    assertThat(page.select("#unfinished").text()).startsWith("This run is running: ");
    assertThat(page.select("#scores p").text()).isEqualTo("There are no scores yet.");
    assertThat(page.select("#worst p").text()).isEqualTo("No item is stored yet.");
    assertThat(page.select("svg")).isEmpty();
  }

  @Test
  void showsGeneratedTextAsText() {
    Document page = page(of(EvaluationFixture.generated("<img src=x>" + "y".repeat(200))));
    assertThat(page.select("img, script")).isEmpty();
    assertThat(page.select("#worst tbody tr").text())
        .isEqualTo(
            "words 0 no - - 45 How many? #### 7 <img src=x>"
                + "y".repeat(149)
                + "... hash-of-word");
    assertThat(page.select("#likelihoods p").text()).isEqualTo("No item was scored by likelihood.");
  }

  @Test
  void drawsAScoreThatIsNotANumberInTheTableOnly() {
    Evaluation evaluation =
        new Evaluation(
            EvaluationFixture.run(RunRow.Status.DONE),
            List.of(
                EvaluationFixture.result(
                    "text", "word_perplexity", Double.POSITIVE_INFINITY, OptionalDouble.empty())),
            List.of(EvaluationFixture.text()));
    assertThat(page(evaluation).select("#scores tbody tr").text()).contains("Infinity");
    assertThat(page(evaluation).select("#scores svg")).isEmpty();
  }

  @Test
  void usesEveryIdOnceAndNothingFromOutside() {
    Document page = page(EvaluationFixture.evaluation());
    assertThat(page.select("[id]").eachAttr("id")).doesNotHaveDuplicates();
    assertThat(page.select("script, link, img, iframe, object, embed, base, form")).isEmpty();
    assertThat(page.select("[src], a[href], [onload], [onclick]")).isEmpty();
  }

  @Test
  void readsTheTables(@TempDir Path folder) throws Exception {
    Evaluation evaluation = EvaluationFixture.evaluation();
    DeltaStore store = new DeltaStore(Storage.ofAssignments(List.of()), folder.toString());
    store.replaceRun(evaluation.run());
    List<List<Object>> items = evaluation.items().stream().map(item -> item.toRow(1)).toList();
    store.append(EvalItemRow.TABLE, items, EvaluationFixture.RUN, 1);
    store.append(EvalItemRow.TABLE, items, EvaluationFixture.RUN, 2);
    store.replace(
        EvalResultRow.TABLE,
        EvaluationFixture.RUN,
        evaluation.results().stream().map(row -> row.toRow(1)).toList());
    Path html = folder.resolve("page.html");
    JobRun run =
        JobRun.of(
            new DescribeJob(),
            "tables",
            folder.toString(),
            "run",
            EvaluationFixture.RUN,
            "html",
            html.toString());
    assertThat(run.lines()).endsWith("wrote " + html);
    assertThat(run.out())
        .containsPattern("quiz +acc +0\\.5000 +0\\.2500 +0\\.0100 to 0\\.9900 +4")
        .containsPattern("quiz +2\\.0 +4 +1 +80 +20 +0 +0 +1\\.5 s")
        .containsPattern("quiz +2 +no +-5\\.000 +-2\\.000 +25 +Which of both\\? +the second");
    assertThat(Jsoup.parse(Files.readString(html)).select("#worst tbody tr")).hasSize(5);
  }
}
