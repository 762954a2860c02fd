package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Scores item by item. The expected ones came from {@code process_results} (and {@code
 * apply_filters}) of lm_eval 0.4.13 with its own task files over the documents under task-data, for
 * the log-likelihoods and texts that this class makes up.
 */
class TestHarnessScores {
  private static double logLikelihood(int item, int choice) {
    return -20 - (item * 7 + choice * 13) % 17 - 0.25 * ((item + 3 * choice) % 5);
  }

  private static String text(int item, Answer answer) {
    String[] solution = ((Answer.Generated) answer).target().split("####");
    String result = solution[solution.length - 1].strip();
    return switch (item % 5) {
      case 0 -> "I think #### " + result;
      case 1 -> "the result is $" + result + ".";
      case 2 -> "so 1 and " + result + " then 7";
      case 3 -> "#### " + result + "0";
      default -> "nothing";
    };
  }

  private static ScoredItem scored(EvaluationItem item) {
    int index = item.index();
    return new ScoredItem(
        item.answer(),
        item.answer() instanceof Answer.Generated
            ? Outcome.ofGeneration(text(index, item.answer()))
            : Outcome.ofChoices(
                IntStream.range(0, item.requests().size())
                    .mapToObj(choice -> logLikelihood(index, choice))
                    .toList()));
  }

  @ParameterizedTest
  @CsvSource({
    "arc_easy, 'acc,none', 101010010010",
    "arc_easy, 'acc_norm,none', 100110010010",
    "arc_challenge, 'acc,none', 10101",
    "arc_challenge, 'acc_norm,none', 10011",
    "winogrande, 'acc,none', 111001010010",
    "gsm8k, 'exact_match,strict-match', 1000010000",
    "gsm8k, 'exact_match,flexible-extract', 1100011000"
  })
  void everyItemScoresAsInTheHarness(String task, String score, String expected) throws Exception {
    EvaluationTask made = EvalTasks.named(task);
    TaskScore found =
        made.scores().stream().filter(s -> s.name().equals(score)).findFirst().orElseThrow();
    List<ScoredItem> items = new ArrayList<>();
    for (EvaluationItem item :
        made.items(DataFolder.of(TestHarnessPrompts.data()), ItemOptions.ofTask())) {
      items.add(scored(item));
    }
    assertThat(
            items.stream()
                .map(item -> found.score(List.of(item)) == 1 ? "1" : "0")
                .collect(Collectors.joining()))
        .isEqualTo(expected);
  }
}
