package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Generation: stop strings, filters, exact match. */
class TestGeneration {
  /** The scores were computed by the filters and process_results of gsm8k in lm_eval 0.4.13. */
  @ParameterizedTest
  @CsvSource({
    "so 4 + 5|#### 9, #### 9, 1, 1",
    "'#### 1,234.|#### 7', x #### 1234, 1, 0",
    "'The answer is $1,200.', y|#### 1200, 0, 1",
    "no number, #### [invalid], 1, 1",
    "#### -5 and 17, #### -5, 1, 0",
    "it is 42, #### 42, 0, 1",
    "a 3. b, #### 3, 0, 1",
    "cost $ 5, #### 5, 0, 1",
    "#### $8, #### 8, 0, 1",
    "'', #### 0, 0, 0",
    "half ... of 12, #### 12, 0, 1"
  })
  void gsm8k(String text, String target, double strict, double flexible) {
    List<TaskScore> scores = EvalTasks.named("gsm8k").scores();
    assertThat(scores)
        .extracting(TaskScore::name)
        .containsExactly("exact_match,strict-match", "exact_match,flexible-extract");
    List<ScoredItem> items =
        List.of(
            new ScoredItem(
                new Answer.Generated(target.replace('|', '\n')),
                Outcome.ofGeneration(text.replace('|', '\n'))));
    assertThat(scores.get(0).score(items)).isEqualTo(strict);
    assertThat(scores.get(1).score(items)).isEqualTo(flexible);
  }

  @Test
  void gsm8kHasFiveExamples() throws Exception {
    EvaluationTask task = EvalTasks.named("gsm8k");
    assertThat(task.fewshot(ItemOptions.ofTask())).isEqualTo(5);
    EvaluationItem item = task.items(TestHarnessPrompts.data()).get(0);
    assertThat(item.requests().get(0).context().split("Question: ", -1)).hasSize(7);
    assertThat(item.requests().get(0).generation())
        .contains(new Generation(List.of("Question:", "</s>", "<|im_end|>"), 256));
  }

  @Test
  void firstStopStringEndsTheText() {
    Generation generation = new Generation(List.of("Question:", "\n\n"), 8);
    assertThat(generation.cut("a\n\nb Question: c")).isEqualTo("a");
    assertThat(generation.cut("a\nb")).isEqualTo("a\nb");
    assertThat(generation.isComplete("a Question")).isFalse();
    assertThat(generation.isComplete("a Question:")).isTrue();
  }

  @Test
  void comparisonIgnoresWhatItIsTold() {
    ExactMatch rule = new ExactMatch(List.of("\\s"), true, true, true);
    assertThat(rule.normalized("Zw\u00d6lf, 12 \u20ac!")).isEqualTo("zw\u00f6lf\u20ac");
    assertThat(ExactMatch.strict().normalized("A.")).isEqualTo("A.");
  }

  @Test
  void requestScoresOrGenerates() {
    Generation generation = new Generation(List.of(), 1);
    assertThatThrownBy(() -> Request.generating("", generation))
        .hasMessage("the context to generate after is empty");
    assertThatThrownBy(() -> new Generation(List.of(""), 1))
        .hasMessage("one of the stop strings [] is empty");
    assertThatThrownBy(() -> new Generation(List.of(), 0))
        .hasMessage("max tokens must be 1 at least and is 0");
    assertThatThrownBy(
            () -> new ScoredItem(new Answer.Generated("x"), Outcome.ofLastWord(-1, true)))
        .hasMessage("the item needs a text: true, its outcome has Optional.empty");
  }
}
