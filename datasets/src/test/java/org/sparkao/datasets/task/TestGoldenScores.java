package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Golden log-likelihoods in, golden scores out. Counts of right answers of the given items were
 * taken in Python by the harness's formulas with numpy; the perplexities of the whole sets are also
 * those of the model's README.
 */
class TestGoldenScores {
  private static List<ScoredItem> choices(String task, String dtype) throws IOException {
    double[] all = Shared.golden(task + "." + dtype + ".loglikelihood");
    List<ScoredItem> scored = new ArrayList<>();
    int read = 0;
    for (EvaluationItem item : EvalTasks.named(task).items(Shared.data())) {
      int end = read + item.requests().size();
      if (end > all.length) {
        break;
      }
      List<Double> own = Arrays.stream(all, read, end).boxed().toList();
      scored.add(new ScoredItem(item.answer(), Outcome.ofChoices(own)));
      read = end;
    }
    return scored;
  }

  @ParameterizedTest
  @CsvSource({
    "hellaswag, fp32, 3000, 1065, 1255, 1255",
    "hellaswag, bf16, 3000, 1064, 1254, 1254",
    "piqa, fp32, 900, 588, 593, 593",
    "piqa, bf16, 900, 590, 593, 593"
  })
  void accuracies(String task, String dtype, int items, int right, int perCharacter, int perByte)
      throws IOException {
    List<ScoredItem> scored = choices(task, dtype);
    assertThat(scored).hasSize(items);
    assertThat(Metric.ACC.score(scored)).isEqualTo((double) right / items);
    assertThat(Metric.ACC_NORM.score(scored)).isEqualTo((double) perCharacter / items);
    assertThat(Metric.ACC_BYTES.score(scored)).isEqualTo((double) perByte / items);
  }

  @ParameterizedTest
  @CsvSource({"fp32, 722, 49.624521124553624", "bf16, 713, 49.62027490476811"})
  void lambada(String dtype, int right, double perplexity) throws IOException {
    double[] values = Shared.golden("lambada." + dtype + ".loglikelihood");
    double[] greedy = Shared.golden("lambada." + dtype + ".greedy");
    List<ScoredItem> scored = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      Outcome outcome = Outcome.ofLastWord(values[i], greedy[i] == 1);
      scored.add(new ScoredItem(new Answer.LastWord(), outcome));
    }
    assertThat(Metric.ACC.score(scored)).isEqualTo(right / 2500.0);
    assertThat(Metric.PERPLEXITY.score(scored)).isCloseTo(perplexity, within(1e-9));
  }

  @ParameterizedTest
  @CsvSource({
    "2048.fp32, 33.96890987701796, 1.9333919878372567, 0.9511341681112934",
    "8192.fp32, 30.708148543026066, 1.8972469516347974, 0.9239074766992355",
    "2048.bf16, 33.98760750735118, 1.9335909547849466, 0.9512826293966133",
    "8192.bf16, 30.730845728156027, 1.8975091107727102, 0.9241068126684372"
  })
  void wikitext(String run, double words, double bytes, double bits) throws IOException {
    double[] values = Shared.golden("wikitext-" + run + ".loglikelihood_per_page");
    List<EvaluationItem> items = EvalTasks.named("wikitext").items(Shared.data());
    assertThat(items).hasSameSizeAs(values);
    List<ScoredItem> scored =
        items.stream()
            .map(i -> new ScoredItem(i.answer(), Outcome.ofText(values[i.index()], 0)))
            .toList();
    assertThat(Metric.WORD_PERPLEXITY.score(scored)).isCloseTo(words, within(1e-9));
    assertThat(Metric.BYTE_PERPLEXITY.score(scored)).isCloseTo(bytes, within(1e-9));
    assertThat(Metric.BITS_PER_BYTE.score(scored)).isCloseTo(bits, within(1e-9));
  }

  @ParameterizedTest
  @CsvSource({"fp32, 21.62770421294891", "bf16, 21.640873744096094"})
  void chunksOfPapers(String dtype, double perplexity) throws IOException {
    EvaluationTask task = EvalTasks.named("wikitext2-2048");
    int predicted = task.chunkTokens().orElseThrow() - 1;
    Answer text = task.items(Shared.data()).get(0).answer();
    List<ScoredItem> scored =
        Arrays.stream(Shared.golden("wikitext2-2048." + dtype + ".nll_per_chunk"))
            .mapToObj(nll -> new ScoredItem(text, Outcome.ofText(-nll, predicted)))
            .toList();
    assertThat(scored).hasSize(148);
    assertThat(Metric.TOKEN_PERPLEXITY.score(scored)).isCloseTo(perplexity, within(1e-9));
  }
}
