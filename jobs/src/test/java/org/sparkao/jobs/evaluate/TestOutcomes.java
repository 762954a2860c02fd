package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.table.AskedItem;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;

/** Stored outcomes and metrics against sums that this test takes by itself. */
class TestOutcomes {
  private static final FakeModels MODELS = new FakeModels(EvaluateFixture.VOCABULARY, 512);

  @TempDir private Path folder;
  private EvaluateFixture fixture;

  @BeforeEach
  void writeFixture() throws Exception {
    FakeModels.reset();
    fixture = new EvaluateFixture(folder, MODELS);
  }

  /** log p of tokens {@code from} on of a sequence. */
  private static double sum(int[] ids, int from) {
    double sum = 0;
    for (int i = from; i < ids.length; i++) {
      sum += MODELS.logProbability(i > 1 ? ids[i - 2] : 0, ids[i - 1], ids[i]);
    }
    return sum;
  }

  private List<EvalItemRow> rows(String task) throws Exception {
    return fixture.items("t", "r").stream().filter(row -> row.key().task().equals(task)).toList();
  }

  private JsonNode line(String file, int line) throws Exception {
    String text = Files.readAllLines(folder.resolve("data").resolve(file)).get(line);
    return new ObjectMapper().readTree(text);
  }

  @Test
  void choicesAreScoredAfterTheirContext() throws Exception {
    fixture.run("t", "run-id", "r", "max-length", "512");
    List<EvalItemRow> rows = rows("choice");
    try (Tokenizer tokenizer = Tokenizers.open(folder.resolve("model"))) {
      for (int i = 0; i < rows.size(); i++) {
        JsonNode record = line("choice.jsonl", i);
        String context = record.path("q").asText();
        int before = tokenizer.encodeWithSpecialTokens(context).length;
        for (int c = 0; c < 3; c++) {
          int[] whole =
              tokenizer.encodeWithSpecialTokens(context + " " + record.path("c").path(c).asText());
          assertThat(rows.get(i).outcome().logLikelihoods().get(c))
              .isCloseTo(sum(whole, before), within(1e-9));
        }
      }
    }
  }

  /**
   * What was asked stands beside what was said, the ends of contexts and the beginnings of texts.
   */
  @Test
  void rowsShowTheirTexts() throws Exception {
    fixture.run("t", "run-id", "r");
    for (EvalItemRow row : rows("choice")) {
      JsonNode record = line("choice.jsonl", (int) row.item().index());
      String context = record.path("q").asText();
      AskedItem asked = row.item().asked();
      assertThat(asked.question().orElseThrow())
          .isEqualTo(
              context.length() > 300 ? "..." + context.substring(context.length() - 300) : context);
      String right = record.path("c").path(0).asText();
      assertThat(asked.choices()).containsExactly(right, "nothing at all", "blue");
      assertThat(asked.gold()).hasValue(0);
      assertThat(asked.target()).contains(right);
      List<Double> said = row.outcome().logLikelihoods();
      double wrong = Math.max(said.get(1), said.get(2));
      assertThat(row.margin()).hasValue(said.get(0) - wrong);
      assertThat(row.answer().orElseThrow().equals(right)).isEqualTo(said.get(0) >= wrong);
      assertThat(row.scores().correct().getAsLong() == 1).isEqualTo(said.get(0) >= wrong);
    }
    EvalItemRow word = rows("word").get(3);
    assertThat(word.item().asked().target()).contains(line("word.jsonl", 3).path("w").asText());
    assertThat(word.margin()).isEmpty();
    assertThat(word.answer()).isEmpty();
    String text = line("text.jsonl", 0).path("t").asText();
    assertThat(rows("text").get(0).item().asked())
        .isEqualTo(
            new AskedItem(
                Optional.of(text.substring(0, 300) + "..."),
                List.of(),
                OptionalLong.empty(),
                Optional.empty()));
  }

  /** Windows of 64 after the token that begins a text, by hand. */
  @Test
  void textsAreScoredInWindowsThatRoll() throws Exception {
    fixture.run("t", "run-id", "r");
    List<EvalItemRow> rows = rows("text");
    try (Tokenizer tokenizer = Tokenizers.open(folder.resolve("model"))) {
      int bos = tokenizer.specialTokens().bos().orElseThrow();
      for (int i = 0; i < rows.size(); i++) {
        int[] tokens = tokenizer.encodeWithSpecialTokens(line("text.jsonl", i).path("t").asText());
        int[] first = new int[Math.min(64, tokens.length) + 1];
        first[0] = bos;
        System.arraycopy(tokens, 0, first, 1, first.length - 1);
        double expected = sum(first, 1);
        for (int done = 64; done < tokens.length; done += 64) {
          int end = Math.min(tokens.length, done + 64);
          int[] window = Arrays.copyOfRange(tokens, end - 65, end);
          expected += sum(window, window.length - (end - done));
        }
        EvalItemRow row = rows.get(i);
        assertThat(row.outcome().logLikelihoods().get(0)).isCloseTo(expected, within(1e-9));
        assertThat(row.outcome().continuationTokens()).containsExactly((long) tokens.length);
      }
    }
  }

  @Test
  void sharesHaveTheSampleDeviationAsError() throws Exception {
    fixture.run("t", "run-id", "r");
    EvalResultRow accuracy =
        fixture.results("t", "r").stream()
            .filter(row -> row.task().equals("choice") && row.metric().equals("acc"))
            .findFirst()
            .orElseThrow();
    double p = accuracy.value();
    long right =
        rows("choice").stream().filter(row -> row.scores().correct().getAsLong() == 1).count();
    assertThat(p).isEqualTo(right / 40.0);
    assertThat(accuracy.spread().standardError().orElseThrow())
        .isCloseTo(Math.sqrt(p * (1 - p) / 39), within(1e-12));
  }

  @Test
  void jsonHasTheKeysOfTheHarness() throws Exception {
    Path file = folder.resolve("results.json");
    JobRun run = fixture.run("t", "run-id", "r", "limit", "5", "output", file.toString());
    JsonNode json = new ObjectMapper().readTree(file.toFile());
    assertThat(run.out()).contains("wrote " + file);
    assertThat(json.at("/results/choice/acc,none").isNumber()).isTrue();
    assertThat(json.at("/results/word/perplexity_stderr,none").isNumber()).isTrue();
    assertThat(json.at("/versions/choice").asDouble()).isEqualTo(1.0);
    assertThat(json.at("/n-samples/choice/original").asInt()).isEqualTo(40);
    assertThat(json.at("/n-samples/choice/effective").asInt()).isEqualTo(5);
    assertThat(json.at("/higher_is_better/word/perplexity").asBoolean()).isFalse();
  }
}
