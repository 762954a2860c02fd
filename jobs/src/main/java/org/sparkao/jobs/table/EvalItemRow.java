package org.sparkao.jobs.table;

import static io.delta.kernel.types.DoubleType.DOUBLE;
import static io.delta.kernel.types.IntegerType.INTEGER;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import io.delta.kernel.types.ArrayType;
import io.delta.kernel.types.StructType;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * One item of an evaluation task: what a checkpoint said to it. {@link Key#id} finds it again, so
 * that nobody computes it twice.
 *
 * @param runId name of the run
 * @param key what the outcome depends on
 * @param item which item it is
 * @param outcome what the model said
 * @param scores what follows from it
 * @param origin who computed it
 */
public record EvalItemRow(
    String runId, Key key, Item item, Outcome outcome, Scores scores, Origin origin) {

  /**
   * Everything that decides an outcome.
   *
   * @param id SHA-256 of all the others, of the item's hash and, where there is a base, of the id
   *     of its item
   * @param checkpointHash SHA-256 of the checkpoint's content, wherever it lies
   * @param task name
   * @param taskVersion of the task's definition
   * @param promptHash SHA-256 of the tokens that the model gets
   * @param numerics how the model computes
   * @param device what computed, with its architecture
   */
  public record Key(
      String id,
      String checkpointHash,
      String task,
      String taskVersion,
      String promptHash,
      String numerics,
      String device) {}

  /**
   * An item.
   *
   * @param index from 0 in the order of the data
   * @param hash SHA-256 of its record in the data
   * @param requestHashes SHA-256 of each request's text
   * @param asked its texts, cut
   * @param words of a text that is scored whole
   * @param bytes of the same in UTF-8
   */
  public record Item(
      long index,
      String hash,
      List<String> requestHashes,
      AskedItem asked,
      OptionalLong words,
      OptionalLong bytes) {
    /** Freezes the list. */
    public Item {
      requestHashes = List.copyOf(requestHashes);
    }
  }

  /**
   * What the model said, request by request.
   *
   * @param logLikelihoods sums over the tokens of the continuations, natural logarithm
   * @param greedy 1 where every token of the continuation was the likeliest
   * @param contextTokens tokens before the continuation
   * @param continuationTokens tokens that were scored
   * @param truncatedTokens tokens cut off on the left, of all requests
   * @param generated the text of a generation task
   */
  public record Outcome(
      List<Double> logLikelihoods,
      List<Long> greedy,
      List<Long> contextTokens,
      List<Long> continuationTokens,
      long truncatedTokens,
      Optional<String> generated) {
    /** Freezes the lists. */
    public Outcome {
      logLikelihoods = List.copyOf(logLikelihoods);
      greedy = List.copyOf(greedy);
      contextTokens = List.copyOf(contextTokens);
      continuationTokens = List.copyOf(continuationTokens);
    }

    /** Tokens that the model got and gave, of all requests. */
    public long tokens() {
      return Stream.of(contextTokens, continuationTokens)
          .flatMap(List::stream)
          .mapToLong(Long::longValue)
          .sum();
    }

    /**
     * Log-likelihood a token of the continuation that has the most of it, natural logarithm: how
     * well the model foresaw the item. Empty where text was generated.
     */
    public OptionalDouble likeliest() {
      return IntStream.range(0, logLikelihoods.size())
          .filter(i -> continuationTokens.get(i) > 0)
          .mapToDouble(i -> logLikelihoods.get(i) / continuationTokens.get(i))
          .max();
    }
  }

  /**
   * What the model answered: the likeliest choice, by the sum over its tokens and the first of
   * equals, or the text that it generated; empty where it was asked for neither.
   */
  public Optional<String> answer() {
    List<String> choices = item.asked().choices();
    return choices.isEmpty()
        ? outcome.generated()
        : IntStream.range(0, choices.size())
            .boxed()
            .max(
                Comparator.comparing(outcome.logLikelihoods()::get)
                    .thenComparing(Comparator.reverseOrder()))
            .map(choices::get);
  }

  /**
   * By how much the right choice is likelier than the likeliest wrong one, nats, sums over tokens;
   * negative where it is not. Empty without choices.
   */
  public OptionalDouble margin() {
    if (item.asked().gold().isEmpty()) {
      return OptionalDouble.empty();
    }
    int gold = (int) item.asked().gold().getAsLong();
    double wrong =
        IntStream.range(0, outcome.logLikelihoods().size())
            .filter(i -> i != gold)
            .mapToDouble(outcome.logLikelihoods()::get)
            .max()
            .orElse(Double.NaN);
    return OptionalDouble.of(outcome.logLikelihoods().get(gold) - wrong);
  }

  /**
   * What follows.
   *
   * @param correct 1 or 0 by the task's first metric; empty where nothing is right or wrong
   * @param metrics the task's, of this item alone
   */
  public record Scores(OptionalLong correct, List<Value> metrics) {
    /** Freezes the list. */
    public Scores {
      metrics = List.copyOf(metrics);
    }
  }

  /** A metric of one item. */
  public record Value(String name, double value) {}

  /**
   * Who computed it.
   *
   * @param run that did; another one where a stored outcome was taken over
   * @param executor Spark's
   * @param attempt Spark's attempts at the task before it
   * @param elapsedNanos its share of the time of its batch, by tokens
   * @param computedAt when
   */
  public record Origin(
      String run, String executor, int attempt, long elapsedNanos, Instant computedAt) {}

  private static final StructType VALUE = new StructType().add("name", STRING).add("value", DOUBLE);

  /** Columns of {@code eval_items}. */
  public static final Table TABLE =
      new Table(
          "eval_items",
          "one item of an evaluation task: what a checkpoint said to it",
          List.of(
              new Column("run_id", STRING, "name of the run"),
              new Column(
                  "checkpoint_hash",
                  STRING,
                  "SHA-256 of the checkpoint's content, the same wherever it lies"),
              new Column(
                  "item_key",
                  STRING,
                  "SHA-256 of checkpoint_hash, task, task_version, item_hash, prompt_hash, numerics,"
                      + " device, and the base's item_key if there is one: equal keys, equal"
                      + " outcomes"),
              new Column("task", STRING, "task"),
              new Column("task_version", STRING, "version of its definition"),
              new Column("item_index", LONG, "number of the item, from 0 in the order of the data"),
              new Column("item_hash", STRING, "SHA-256 of the item's record in the data"),
              new Column("prompt_hash", STRING, "SHA-256 of the tokens that the model got"),
              new Column("numerics", STRING, "how the model computed"),
              new Column("device", STRING, "what computed: cuda sm_90 132 SM 4917 GB/s"),
              new Column(
                  "request_hashes",
                  new ArrayType(STRING, true),
                  "SHA-256 of the text of each request: context and continuation"),
              new Column(
                  "question",
                  STRING,
                  "end of what stands before the first continuation (300 characters), or beginning"
                      + " of a text scored whole; null for a chunk of a text"),
              new Column(
                  "choices",
                  new ArrayType(STRING, true),
                  "beginnings (200 characters) of the texts to choose from, in the order of"
                      + " log_likelihoods; empty where there is no choice"),
              new Column("gold", LONG, "index of the right choice; null without choices"),
              new Column(
                  "target",
                  STRING,
                  "the right text: a choice, a last word, the end (300 characters) of a generated"
                      + " answer; null for a text scored whole"),
              new Column("words", LONG, "words of a text scored whole; else null"),
              new Column("bytes", LONG, "bytes of the same; else null"),
              new Column(
                  "log_likelihoods",
                  new ArrayType(DOUBLE, true),
                  "of each request's continuation, natural logarithm, summed over its tokens"),
              new Column(
                  "greedy",
                  new ArrayType(LONG, true),
                  "of each request: 1 if every token of the continuation was the likeliest"),
              new Column(
                  "context_tokens", new ArrayType(LONG, true), "of each request: tokens before"),
              new Column(
                  "continuation_tokens",
                  new ArrayType(LONG, true),
                  "of each request: tokens that were scored or generated"),
              new Column(
                  "truncated_tokens", LONG, "tokens cut off on the left, all requests together"),
              new Column("generated", STRING, "text of a generation task; else null"),
              new Column(
                  "correct",
                  LONG,
                  "1 or 0 by the task's first metric; null where nothing is right or wrong"),
              new Column(
                  "metrics",
                  new ArrayType(VALUE, true),
                  "the task's metrics of this item alone; kl_divergence and top1_agreement with a"
                      + " base"),
              new Column("computed_run", STRING, "run that computed it; another one if taken over"),
              new Column("executor", STRING, "Spark executor"),
              new Column("attempt", INTEGER, "Spark's attempts at the task before it"),
              new Column("elapsed_nanos", LONG, "share of its batch's time, by tokens"),
              new Column("computed_at", TIMESTAMP, "when it was computed"),
              new Column("step", LONG, "commit of the run that brought the row")));

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow(long step) {
    return Arrays.asList(
        runId,
        key.checkpointHash(),
        key.id(),
        key.task(),
        key.taskVersion(),
        item.index(),
        item.hash(),
        key.promptHash(),
        key.numerics(),
        key.device(),
        item.requestHashes(),
        item.asked().question().orElse(null),
        item.asked().choices(),
        orNull(item.asked().gold()),
        item.asked().target().orElse(null),
        orNull(item.words()),
        orNull(item.bytes()),
        outcome.logLikelihoods(),
        outcome.greedy(),
        outcome.contextTokens(),
        outcome.continuationTokens(),
        outcome.truncatedTokens(),
        outcome.generated().orElse(null),
        orNull(scores.correct()),
        scores.metrics().stream()
            .map(value -> (Object) Arrays.<Object>asList(value.name(), value.value()))
            .toList(),
        origin.run(),
        origin.executor(),
        origin.attempt(),
        origin.elapsedNanos(),
        origin.computedAt(),
        step);
  }

  private static Long orNull(OptionalLong value) {
    return value.isPresent() ? (Long) value.getAsLong() : null;
  }

  /** A row that was read. */
  public static EvalItemRow of(TableRow row) {
    return new EvalItemRow(
        row.text("run_id"),
        new Key(
            row.text("item_key"),
            row.text("checkpoint_hash"),
            row.text("task"),
            row.text("task_version"),
            row.text("prompt_hash"),
            row.text("numerics"),
            row.text("device")),
        new Item(
            row.number("item_index"),
            row.text("item_hash"),
            row.texts("request_hashes"),
            new AskedItem(
                row.findText("question"),
                row.has("choices") ? row.texts("choices") : List.of(),
                optional(row.findNumber("gold")),
                row.findText("target")),
            optional(row.findNumber("words")),
            optional(row.findNumber("bytes"))),
        new Outcome(
            row.decimals("log_likelihoods"),
            row.numbers("greedy"),
            row.numbers("context_tokens"),
            row.numbers("continuation_tokens"),
            row.number("truncated_tokens"),
            row.findText("generated")),
        new Scores(
            optional(row.findNumber("correct")),
            row.structures("metrics").stream()
                .map(value -> new Value((String) value.get(0), (Double) value.get(1)))
                .toList()),
        new Origin(
            row.text("computed_run"),
            row.text("executor"),
            (int) row.number("attempt"),
            row.number("elapsed_nanos"),
            row.instant("computed_at")));
  }

  private static OptionalLong optional(Optional<Long> value) {
    return value.map(OptionalLong::of).orElse(OptionalLong.empty());
  }
}
