package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.device.Buffer;

/** Log-probabilities and greedy tokens, against the reference. */
abstract class AbstractTestLogSoftmax extends AbstractLayerTest {
  abstract LogSoftmax operator();

  @ParameterizedTest
  @EnumSource
  void scores(LogSoftmax.Type type) {
    for (int vocabulary : new int[] {1, 5, 8, 1001, 32000, 50257}) {
      for (int rows : ROWS) {
        float[] logits = CaseDevice.normal((long) rows * vocabulary, vocabulary);
        int[] targets = new int[rows];
        Arrays.setAll(targets, row -> row % vocabulary);
        // Two largest logits in every row: the first is the greedy token, and the target of one
        // row.
        for (int row = 0; row < rows; row++) {
          logits[row * vocabulary + Math.min(2, vocabulary - 1)] = 9;
          logits[(row + 1) * vocabulary - 1] = 9;
        }
        Result actual = score(tested, operator(), type, logits, targets);
        Result expected = score(reference, new ReferenceLogSoftmax(), type, logits, targets);
        assertWithin(actual.logProbabilities(), expected.logProbabilities());
        assertThat(actual.greedy()).isEqualTo(expected.greedy());
        assertThat(actual.isGreedy()).isEqualTo(expected.isGreedy());
        float[] last = Arrays.copyOfRange(logits, logits.length - vocabulary, logits.length);
        assertThat(score(tested, operator(), type, last, targets[rows - 1]).logProbabilities()[0])
            .isEqualTo(actual.logProbabilities()[rows - 1]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void showsUnknownTargets(LogSoftmax.Type type) {
    Result result = score(tested, operator(), type, new float[] {1, 2, 3, 4, 5, 6}, 3, -100);
    assertThat(result.logProbabilities()).containsExactly(Float.NaN, Float.NaN);
    assertThat(result.isGreedy()).containsExactly(0, 0);
    assertThat(result.greedy()).containsExactly(2, 2);
  }

  /** Of one call. */
  record Result(float[] logProbabilities, int[] isGreedy, int[] greedy) {}

  static Result score(
      CaseDevice on, LogSoftmax operator, LogSoftmax.Type type, float[] logits, int... targets) {
    int rows = targets.length;
    Buffer values = type == LogSoftmax.Type.BF16 ? on.bf16(logits) : on.floats(logits);
    Buffer logProbabilities = on.empty((long) Float.BYTES * rows);
    Buffer isGreedy = on.empty((long) Integer.BYTES * rows);
    Buffer greedy = on.empty((long) Integer.BYTES * rows);
    operator.gather(
        new LogSoftmax.Logits(values, type, rows, logits.length / rows),
        on.ints(targets),
        new LogSoftmax.Scores(logProbabilities, Optional.of(isGreedy), Optional.of(greedy)));
    return new Result(on.readFloats(logProbabilities), on.readInts(isGreedy), on.readInts(greedy));
  }

  private static void assertWithin(float[] actual, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs((double) actual[i] - expected[i]) / (1 + Math.abs(expected[i]));
      assertThat(error).isLessThanOrEqualTo(LayerTolerance.LOG_PROBABILITY);
    }
  }
}
