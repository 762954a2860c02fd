package org.sparkao.jobs.compare;

import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import org.sparkao.jobs.table.EvalItemRow;

/**
 * A metric as a function of two sums over items, so that resamples cost additions alone.
 *
 * @param numerator what is added up above
 * @param denominator what is added up below
 * @param function of their quotient
 */
record Statistic(
    ToDoubleFunction<EvalItemRow> numerator,
    ToDoubleFunction<EvalItemRow> denominator,
    DoubleUnaryOperator function) {
  private static final Map<String, Statistic> OF_TEXTS =
      Map.of(
          "perplexity", new Statistic(Statistic::nats, row -> 1, Math::exp),
          "word_perplexity", new Statistic(Statistic::nats, Statistic::words, Math::exp),
          "byte_perplexity", new Statistic(Statistic::nats, Statistic::bytes, Math::exp),
          "bits_per_byte", new Statistic(Statistic::nats, Statistic::bytes, x -> x / Math.log(2)),
          "token_perplexity", new Statistic(Statistic::nats, Statistic::tokens, Math::exp));

  /** The statistic of a metric: that of a perplexity, else the mean of the items' values. */
  static Statistic of(String metric) {
    return OF_TEXTS.getOrDefault(
        metric, new Statistic(row -> value(row, metric), row -> 1, DoubleUnaryOperator.identity()));
  }

  /** Whether a larger value is the better one. */
  static boolean higherIsBetter(String metric) {
    return !OF_TEXTS.containsKey(metric) && !metric.equals("kl_divergence");
  }

  /** The value of a metric for one item. */
  static double value(EvalItemRow row, String metric) {
    return row.scores().metrics().stream()
        .filter(value -> value.name().equals(metric))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no " + metric + " in " + row.key()))
        .value();
  }

  private static double nats(EvalItemRow row) {
    return -row.outcome().logLikelihoods().get(0);
  }

  private static double words(EvalItemRow row) {
    return row.item().words().orElseThrow();
  }

  private static double bytes(EvalItemRow row) {
    return row.item().bytes().orElseThrow();
  }

  private static double tokens(EvalItemRow row) {
    return row.outcome().continuationTokens().get(0);
  }
}
