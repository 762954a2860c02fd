package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.Buffer;

/** Tokens against softmax, against masks found by sorting, and against the reference. */
abstract class AbstractTestTokenSampler extends AbstractLayerTest {
  private static final long SEED = 0x5EED_0000_0001L;

  /** Eight tokens of very different probabilities, two of them equal. */
  private static final float[] FEW = {0.5f, -1, 2, 2, -4, 0, 1.25f, -0.5f};

  /** 1 - 1e-4 quantiles of chi-square with so many degrees of freedom (tables). */
  private static final double[] CHI_SQUARE = {0, 15.14, 18.42, 21.11, 23.51, 25.74, 27.86, 29.88};

  abstract TokenSampler operator();

  static List<SamplingRule> rules() {
    return List.of(
        new SamplingRule(1, 0, 1, 0),
        new SamplingRule(0.6, 0, 1, 0),
        new SamplingRule(3, 0, 1, 0),
        new SamplingRule(1, 4, 1, 0),
        new SamplingRule(1, 3, 1, 0),
        new SamplingRule(1, 100, 1, 0),
        new SamplingRule(1, 0, 0.5, 0),
        new SamplingRule(1, 0, 0.9, 0),
        new SamplingRule(0.8, 6, 0.8, 0),
        new SamplingRule(1, 0, 1e-6, 0),
        new SamplingRule(1, 1, 1, 0));
  }

  /** Chi-square of 20,000 tokens of a fixed seed, below what one in 10,000 seeds exceeds. */
  @ParameterizedTest
  @MethodSource("rules")
  void tokensAreDistributedAsSoftmaxOfWhatStays(SamplingRule rule) {
    int rows = 20_000;
    float[] logits = new float[rows * FEW.length];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(FEW, 0, logits, row * FEW.length, FEW.length);
    }
    int[] draws = draws(rows, row -> new int[] {0, row % 64, row / 64, 0});
    int[] tokens = sample(tested, operator(), logits, draws, rule);
    double[] expected = probabilities(FEW, rule);
    double statistic = 0;
    int freedom = -1;
    for (int token = 0; token < FEW.length; token++) {
      int wanted = token;
      long count = Arrays.stream(tokens).filter(t -> t == wanted).count();
      double mean = rows * expected[token];
      if (mean == 0) {
        assertThat(count).as("token %d does not stay", token).isZero();
        continue;
      }
      statistic += (count - mean) * (count - mean) / mean;
      freedom++;
    }
    assertThat(statistic).isLessThanOrEqualTo(CHI_SQUARE[freedom] + 1e-9);
  }

  /** The token at which the exact cumulative distribution reaches the random number. */
  @ParameterizedTest
  @MethodSource("rules")
  void tokensInvertTheCumulativeDistribution(SamplingRule rule) {
    int vocabulary = 777;
    int rows = 60;
    float[] logits = CaseDevice.normal((long) rows * vocabulary, 3);
    int[] draws = draws(rows, row -> new int[] {0, 5 * row, row, -row});
    int[] tokens = sample(tested, operator(), logits, draws, rule);
    int compared = 0;
    for (int row = 0; row < rows; row++) {
      float[] one = Arrays.copyOfRange(logits, row * vocabulary, (row + 1) * vocabulary);
      double[] expected = probabilities(one, rule);
      int[] words =
          Philox.block(
              new int[] {5 * row, row, -row, 0}, (int) SEED, (int) (SEED >>> Integer.SIZE));
      double u =
          new BigDecimal(
                      new BigInteger(
                          Long.toUnsignedString(
                              Integer.toUnsignedLong(words[0]) | (long) words[1] << 32)))
                  .doubleValue()
              * 0x1p-64;
      double before = 0;
      for (int token = 0; token < tokens[row]; token++) {
        before += expected[token];
      }
      assertThat(expected[tokens[row]]).as("row %d", row).isPositive();
      assertThat(u).isBetween(before - 1e-5, before + expected[tokens[row]] + 1e-5);
      compared++;
    }
    assertThat(compared).isEqualTo(rows);
  }

  @ParameterizedTest
  @MethodSource("rules")
  void tokensAreTheReferences(SamplingRule rule) {
    for (int vocabulary : new int[] {1, 5, 33, 1001, 49152}) {
      for (int rows : ROWS) {
        float[] logits = CaseDevice.normal((long) rows * vocabulary, 11 + vocabulary);
        for (int i = 0; i < logits.length; i++) {
          logits[i] *= 4;
        }
        int[] draws =
            draws(rows, row -> new int[] {row % 5 == 4 ? TokenSampler.GREEDY : 0, 3, row, 9});
        int[] tokens = sample(tested, operator(), logits, draws, rule);
        assertThat(tokens)
            .isEqualTo(sample(reference, new ReferenceTokenSampler(), logits, draws, rule));
        int last = rows - 1;
        assertThat(
                sample(
                    tested,
                    operator(),
                    Arrays.copyOfRange(logits, last * vocabulary, rows * vocabulary),
                    Arrays.copyOfRange(draws, 4 * last, 4 * rows),
                    rule))
            .containsExactly(tokens[last]);
      }
    }
  }

  @Test
  void samplesPositionsAndSeedsDrawDifferently() {
    float[] flat = new float[300 * 1000];
    int[] draws =
        draws(300, row -> new int[] {0, row % 100, row / 100 == 1 ? 1 : 0, row / 100 == 2 ? 1 : 0});
    SamplingRule rule = new SamplingRule(1, 0, 1, 0);
    int[] tokens = sample(tested, operator(), flat, draws, rule);
    // 300 draws of 1,000 equal tokens: 259 different ones are expected, with a deviation of 5.
    Set<Integer> different = Arrays.stream(tokens).boxed().collect(Collectors.toSet());
    assertThat(different.size()).isBetween(230, 285);
  }

  @Test
  void greedyRowsTakeTheFirstOfTheLikeliest() {
    float[] logits = {1, 7, 7, 0, Float.NaN, 2, Float.NEGATIVE_INFINITY, 2};
    int[] draws = draws(2, row -> new int[] {TokenSampler.GREEDY, 0, row, 0});
    assertThat(sample(tested, operator(), logits, draws, SamplingRule.GREEDY))
        .containsExactly(1, 1);
  }

  @Test
  void forbiddenTokensAreNotTaken() {
    int rows = 3000;
    float[] logits = new float[rows * FEW.length];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(FEW, 0, logits, row * FEW.length, FEW.length);
    }
    int[] draws =
        draws(
            rows,
            row ->
                new int[] {
                  (row % 2 == 0 ? TokenSampler.FORBIDS : 0)
                      + (row % 3 == 0 ? TokenSampler.GREEDY : 0),
                  row,
                  row,
                  0
                });
    int[] tokens =
        sample(tested, operator(), logits, draws, new SamplingRule(1, 0, 1, 0), 2, 6, -1, 99);
    Set<Integer> free = new HashSet<>();
    for (int row = 0; row < rows; row++) {
      if (row % 2 == 0) {
        assertThat(tokens[row]).isNotIn(2, 6);
        assertThat(row % 3 != 0 || tokens[row] == 3).isTrue();
      } else {
        free.add(tokens[row]);
      }
    }
    assertThat(free).contains(2, 6);
  }

  @Test
  void rowsThatAllowNoTokenSaySo() {
    float[] logits = {
      Float.NaN, Float.NaN, 1, Float.POSITIVE_INFINITY, Float.NaN, 3, 1, 1,
    };
    int[] draws = draws(4, row -> new int[] {row == 3 ? TokenSampler.IDLE : 0, 0, row, 0});
    assertThat(sample(tested, operator(), logits, draws, new SamplingRule(1, 1, 0.5, 0)))
        .containsExactly(-1, -1, 1, 0);
  }

  private static int[] draws(int rows, java.util.function.IntFunction<int[]> one) {
    return IntStream.range(0, rows).mapToObj(one).flatMapToInt(Arrays::stream).toArray();
  }

  private static int[] sample(
      CaseDevice on,
      TokenSampler operator,
      float[] logits,
      int[] draws,
      SamplingRule rule,
      int... forbidden) {
    int rows = draws.length / TokenSampler.ROW_WORDS;
    Buffer next = on.empty((long) Integer.BYTES * rows);
    Optional<Buffer> tokens =
        forbidden.length == 0 ? Optional.empty() : Optional.of(on.ints(forbidden));
    operator.sample(
        new LogSoftmax.Logits(on.floats(logits), LogSoftmax.Type.FP32, rows, logits.length / rows),
        new TokenSampler.Draw(rule, SEED, on.ints(draws), tokens),
        next);
    return on.readInts(next);
  }

  /** In double, what stays found by sorting. */
  private static double[] probabilities(float[] logits, SamplingRule rule) {
    Integer[] order = IntStream.range(0, logits.length).boxed().toArray(Integer[]::new);
    Arrays.sort(order, (a, b) -> Float.compare(logits[b], logits[a]));
    double[] p = new double[logits.length];
    int stays = rule.topK() == 0 ? p.length : Math.min(rule.topK(), p.length);
    while (stays < p.length && logits[order[stays]] == logits[order[stays - 1]]) {
      stays++;
    }
    double sum = fill(p, logits, order, stays, rule.temperature());
    if (rule.topP() < 1) {
      double reached = 0;
      int nucleus = 0;
      while (reached < rule.topP() * sum) {
        reached += p[order[nucleus++]];
      }
      while (nucleus < stays && logits[order[nucleus]] == logits[order[nucleus - 1]]) {
        nucleus++;
      }
      sum = fill(p, logits, order, nucleus, rule.temperature());
    }
    for (int i = 0; i < p.length; i++) {
      p[i] /= sum;
    }
    return p;
  }

  private static double fill(
      double[] p, float[] logits, Integer[] order, int count, double temperature) {
    Arrays.fill(p, 0);
    double sum = 0;
    for (int i = 0; i < count; i++) {
      p[order[i]] = Math.exp((logits[order[i]] - logits[order[0]]) / temperature);
      sum += p[order[i]];
    }
    return sum;
  }
}
