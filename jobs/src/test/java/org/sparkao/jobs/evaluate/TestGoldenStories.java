package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.table.EvalItemRow;

/** stories260k through tasks of one's own, against the figures of the shared folder. */
@EnabledIf("present")
class TestGoldenStories {
  private static final double PERPLEXITY = 4.2382;
  private static final long TOKENS = 55_795;

  @TempDir private Path folder;
  private Stories stories;

  static boolean present() {
    return Stories.present();
  }

  @BeforeEach
  void writeTasks() throws Exception {
    stories = new Stories(folder);
  }

  @Test
  void perplexityOfAHundredAndFiftyStories() throws Exception {
    stories.evaluate(stories.copy(), "stories", "r");
    List<EvalItemRow> rows = stories.items("r");
    assertThat(rows).hasSize(Stories.COUNT);
    long tokens = rows.stream().mapToLong(row -> row.outcome().continuationTokens().get(0)).sum();
    assertThat(tokens).isEqualTo(TOKENS);
    assertThat(stories.result("r")).isCloseTo(PERPLEXITY, within(5e-5));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"W8A16(group_size=-1) | 1.0005 | 0.0005", "W4A16(group_size=-1) | 1.18 | 0.0118"})
  void quantizedWeightsLoseWhatTheyLose(String scheme, double ratio, double tolerance)
      throws Exception {
    Path output = folder.resolve("quantized");
    JobRun.of(
        new QuantizeJob(),
        "checkpoint",
        stories.copy().toString(),
        "output",
        output.toString(),
        "tables",
        folder.resolve("quantize").toString(),
        "device",
        "cpu",
        "scheme",
        scheme);
    stories.evaluate(output, "stories", "r");
    double found = stories.result("r") / PERPLEXITY;
    assertThat(found).isCloseTo(ratio, within(tolerance));
  }

  @Test
  void continuesPromptsAsTransformersDoes() throws Exception {
    stories.writePrompts();
    stories.evaluate(Stories.model(), "prompts", "r");
    JsonNode prompts = Stories.golden().get("prompts");
    List<EvalItemRow> rows = stories.items("r");
    assertThat(rows).hasSize(prompts.size());
    for (EvalItemRow row : rows) {
      JsonNode prompt = prompts.get((int) row.item().index());
      assertThat(row.outcome().generated()).hasValue(prompt.get("greedy_text").asText());
      assertThat(row.outcome().continuationTokens()).containsExactly(32L);
    }
  }
}
