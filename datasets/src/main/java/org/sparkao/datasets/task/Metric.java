package org.sparkao.datasets.task;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** The scores of the harness, by its names. Sums run in the order of the items, in double. */
public enum Metric {
  /** Share of items whose likeliest choice, or greedy continuation, is right. */
  @JsonProperty("acc")
  ACC(true, share(ScoredItem::correct), TaskKind.MULTIPLE_CHOICE, TaskKind.LAST_WORD),
  /** As acc, log-likelihoods divided by the characters (code points) of the choice. */
  @JsonProperty("acc_norm")
  ACC_NORM(true, share(ScoredItem::correctPerCharacter), TaskKind.MULTIPLE_CHOICE),
  /** As acc, log-likelihoods divided by the UTF-8 bytes of the choice. */
  @JsonProperty("acc_bytes")
  ACC_BYTES(true, share(ScoredItem::correctPerByte), TaskKind.MULTIPLE_CHOICE),
  /** Share of items whose generated text is the right one, by the task's rule of comparison. */
  @JsonProperty("exact_match")
  EXACT_MATCH(true, share(ScoredItem::exactMatch), TaskKind.GENERATION),
  /** exp of the mean negative log-likelihood of an item's continuation. */
  @JsonProperty("perplexity")
  PERPLEXITY(false, items -> Math.exp(nats(items) / items.size()), TaskKind.LAST_WORD),
  /** exp of the negative log-likelihood a word of the source. */
  @JsonProperty("word_perplexity")
  WORD_PERPLEXITY(
      false,
      items -> Math.exp(nats(items) / sum(items, item -> item.text().words())),
      TaskKind.PERPLEXITY),
  /** exp of the negative log-likelihood a byte of the source. */
  @JsonProperty("byte_perplexity")
  BYTE_PERPLEXITY(
      false,
      items -> Math.exp(nats(items) / sum(items, item -> item.text().bytes())),
      TaskKind.PERPLEXITY),
  /** Negative log-likelihood a byte of the source, in bits. */
  @JsonProperty("bits_per_byte")
  BITS_PER_BYTE(
      false,
      items -> nats(items) / sum(items, item -> item.text().bytes()) / Math.log(2),
      TaskKind.PERPLEXITY),
  /** exp of the negative log-likelihood a predicted token: what papers print. */
  @JsonProperty("token_perplexity")
  TOKEN_PERPLEXITY(
      false,
      items -> Math.exp(nats(items) / sum(items, item -> item.outcome().tokens())),
      TaskKind.PERPLEXITY);

  private final boolean higherIsBetter;
  private final ToDoubleFunction<List<ScoredItem>> score;
  private final List<TaskKind> kinds;

  Metric(boolean higherIsBetter, ToDoubleFunction<List<ScoredItem>> score, TaskKind... kinds) {
    this.higherIsBetter = higherIsBetter;
    this.score = score;
    this.kinds = List.copyOf(Arrays.asList(kinds));
  }

  /** The harness's name of it. */
  public String metricName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether the larger of two scores is the better one. */
  public boolean higherIsBetter() {
    return higherIsBetter;
  }

  /** Whether tasks of a kind can be measured by it. */
  public boolean fits(TaskKind kind) {
    return kinds.contains(kind);
  }

  /**
   * The score of some items; of a single one it is that item's share of an accuracy, 0 or 1.
   *
   * @throws IllegalArgumentException if there are no items, or they are of a kind that does not fit
   */
  public double score(List<ScoredItem> items) {
    if (items.isEmpty()) {
      throw new IllegalArgumentException(metricName() + " of no items");
    }
    return score.applyAsDouble(items);
  }

  private static ToDoubleFunction<List<ScoredItem>> share(Predicate<ScoredItem> right) {
    return items -> (double) items.stream().filter(right).count() / items.size();
  }

  private static double nats(List<ScoredItem> items) {
    return -sum(items, ScoredItem::logLikelihood);
  }

  /** A loop, because the order of a stream's sum is not specified. */
  private static double sum(List<ScoredItem> items, ToDoubleFunction<ScoredItem> value) {
    double sum = 0;
    for (ScoredItem item : items) {
      sum += value.applyAsDouble(item);
    }
    return sum;
  }
}
