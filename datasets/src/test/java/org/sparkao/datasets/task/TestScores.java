package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class TestScores {
  private static final Answer.Choice SECOND = new Answer.Choice(List.of("a", "bbbb"), 1);

  private static ScoredItem scored(Answer answer, Double... logLikelihoods) {
    return new ScoredItem(answer, Outcome.ofChoices(List.of(logLikelihoods)));
  }

  private static double one(Metric metric, ScoredItem item) {
    return metric.score(List.of(item));
  }

  @Test
  void lengthDecides() {
    ScoredItem item = scored(SECOND, -1.0, -2.0);
    assertThat(one(Metric.ACC, item)).isZero();
    assertThat(one(Metric.ACC_NORM, item)).isOne();
    assertThat(one(Metric.ACC_BYTES, item)).isOne();
  }

  /** Two characters outside the basic plane: 2 code points, 4 UTF-16 units, 8 bytes. */
  @Test
  void charactersAreCodePointsAndBytesAreUtf8() {
    Answer answer = new Answer.Choice(List.of("\ud83d\ude00\ud83d\ude00", "abc"), 1);
    ScoredItem item = scored(answer, -6.0, -6.0);
    assertThat(one(Metric.ACC_NORM, item)).isOne();
    assertThat(one(Metric.ACC_BYTES, item)).isZero();
  }

  @Test
  void firstOfEqualsWins() {
    assertThat(one(Metric.ACC, scored(SECOND, -1.0, -1.0))).isZero();
    double no = Double.NEGATIVE_INFINITY;
    assertThat(one(Metric.ACC, scored(new Answer.Choice(List.of("a", "b"), 0), no, no))).isOne();
  }

  @Test
  void refusesWhatIsNoNumberAndWhatIsMissing() {
    assertThatThrownBy(() -> scored(SECOND, -1.0, Double.NaN))
        .hasMessage("log-likelihoods must be numbers, one a request, and are [-1.0, NaN]");
    assertThatThrownBy(() -> scored(SECOND, -1.0))
        .hasMessage("the item has 2 requests, its outcome 1 log-likelihoods");
    assertThatThrownBy(() -> Metric.ACC.score(List.of())).hasMessage("acc of no items");
    assertThatThrownBy(() -> one(Metric.ACC_NORM, scored(new Answer.LastWord(), -1.0)))
        .hasMessage("no choices in LastWord[]");
    assertThatThrownBy(() -> one(Metric.WORD_PERPLEXITY, scored(new Answer.LastWord(), -1.0)))
        .hasMessage("no text to count in LastWord[]");
  }

  @Test
  void spaceAtTheEndOfAContextBelongsToTheContinuation() {
    assertThat(new Request("a \u00a0\n", " b").spacesMoved())
        .isEqualTo(new Request("a", " \u00a0\n b"));
    assertThat(new Request("a", " b").spacesMoved()).isEqualTo(new Request("a", " b"));
  }

  /** Computed with Python's hashlib and json.dumps. */
  @Test
  void requestHash() {
    assertThat(new Request("a\n\"é", " \ud83d\ude00").hash())
        .isEqualTo("cb5e8afae52237def71a20234b2a6f3725fc3f1ed9a4b81d89db4aa00046d9f5");
  }
}
