package org.sparkao.jobs.evaluate.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.datasets.task.DataFolder;
import org.sparkao.datasets.task.EvalTasks;
import org.sparkao.datasets.task.ItemOptions;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.jobs.evaluate.GoldenEvaluation;

/** Tokens of requests against those that lm-evaluation-harness's rules give with transformers. */
@EnabledIf("present")
class TestGoldenPlan {
  private static Tokenizer tokenizer;

  static boolean present() {
    return GoldenEvaluation.present();
  }

  @BeforeAll
  static void openTokenizer() throws Exception {
    tokenizer = Tokenizers.open(GoldenEvaluation.checkpoint());
  }

  @AfterAll
  static void closeTokenizer() {
    tokenizer.close();
  }

  private static EvaluatePlan plan(String task, int context, int most) {
    ModelFacts model = new ModelFacts("LlamaForCausalLM", 49_152, 8_192, 0);
    return new EvaluatePlanner(model, tokenizer, new ContextLimit(context, TooLong.REFUSE), 8_192)
        .plan(
            List.of(EvalTasks.named(task)),
            DataFolder.of(GoldenEvaluation.data()),
            ItemOptions.ofTask(),
            most);
  }

  @ParameterizedTest
  @CsvSource({"hellaswag,3000,4", "piqa,900,2", "lambada,2500,1"})
  void countsOfEveryRequestAgree(String task, int items, int choices) throws Exception {
    long[] context = GoldenEvaluation.longs(task + ".context_tokens", 4);
    long[] continuation = GoldenEvaluation.longs(task + ".continuation_tokens", 4);
    EvaluatePlan plan = plan(task, 8_192, items);
    assertThat(plan.items()).hasSize(items);
    for (PlannedItem item : plan.items()) {
      for (int c = 0; c < choices; c++) {
        RequestTokens request = item.work().requests().get(c);
        int place = item.index() * choices + c;
        assertThat((long) request.contextTokens()).as("%s", item).isEqualTo(context[place]);
        assertThat((long) request.continuationTokens()).isEqualTo(continuation[place]);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"hellaswag", "piqa", "lambada"})
  void idsOfTheFirstItemsAgree(String task) throws Exception {
    JsonNode expected =
        new ObjectMapper()
            .readTree(GoldenEvaluation.folder().resolve("tokens.json").toFile())
            .path(task);
    EvaluatePlan plan = plan(task, 8_192, 12);
    assertThat(expected).isNotEmpty();
    for (JsonNode request : expected) {
      TokenSequence found =
          plan.items()
              .get(request.path("item").asInt())
              .work()
              .requests()
              .get(request.path("choice").asInt())
              .sequences()
              .get(0);
      assertThat(Arrays.copyOf(found.ids(), found.firstScored()))
          .isEqualTo(ints(request.path("context")));
      assertThat(Arrays.copyOfRange(found.ids(), found.firstScored(), found.ids().length))
          .isEqualTo(ints(request.path("continuation")));
    }
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asInt();
    }
    return values;
  }

  @Test
  void everyTokenOfAPageIsScoredOnce() throws Exception {
    long[] expected = GoldenEvaluation.longs("wikitext.words_bytes_tokens", 8);
    EvaluatePlan plan = plan("wikitext", 2_048, Integer.MAX_VALUE);
    assertThat(plan.items()).hasSize(62);
    for (PlannedItem item : plan.items()) {
      RequestTokens page = item.work().requests().get(0);
      assertThat((long) page.continuationTokens()).isEqualTo(expected[3 * item.index() + 2]);
      assertThat(page.sequences().stream().mapToInt(TokenSequence::scored).sum())
          .isEqualTo(page.continuationTokens());
      assertThat(page.sequences().get(0).ids()[0]).isEqualTo(1);
      assertThat(item.work().longest()).isLessThanOrEqualTo(2_049);
    }
  }

  @Test
  void chunksOfPapersAgree() throws Exception {
    long[] expected = GoldenEvaluation.longs("wikitext2-2048.token_ids", 4);
    EvaluatePlan plan = plan("wikitext2-2048", 8_192, Integer.MAX_VALUE);
    assertThat(plan.items()).hasSize(148);
    for (int i = 0; i < 4; i++) {
      long[] chunk = Arrays.copyOfRange(expected, i * 2_048, (i + 1) * 2_048);
      TokenSequence found = plan.items().get(i).work().requests().get(0).sequences().get(0);
      assertThat(Arrays.stream(found.ids()).asLongStream().toArray()).isEqualTo(chunk);
      assertThat(found.firstScored()).isEqualTo(1);
    }
  }
}
