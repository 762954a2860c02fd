package org.sparkao.jobs.describe;

import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;

/**
 * Everything that is known of one run of {@code evaluate}, as values.
 *
 * @param run its row in {@code runs}
 * @param results its rows in {@code eval_results}; none until it has ended
 * @param items its rows in {@code eval_items}, one an item; only those that are stored while it
 *     runs
 */
record Evaluation(RunRow run, List<EvalResultRow> results, List<EvalItemRow> items) {

  /** Freezes the lists. */
  Evaluation {
    Objects.requireNonNull(run, "run");
    results = List.copyOf(results);
    items = List.copyOf(items);
  }

  /**
   * What the items of a task have in common.
   *
   * @param task name
   * @param version of its definition
   * @param items rows, in the order of the data
   */
  record TaskItems(String task, String version, List<EvalItemRow> items) {

    /** Tokens before continuations, of all requests. */
    long contextTokens() {
      return items.stream()
          .flatMap(item -> item.outcome().contextTokens().stream())
          .mapToLong(Long::longValue)
          .sum();
    }

    /** Tokens of all requests that were scored or generated. */
    long continuationTokens() {
      return items.stream()
          .flatMap(item -> item.outcome().continuationTokens().stream())
          .mapToLong(Long::longValue)
          .sum();
    }

    /** Items that lost tokens on the left. */
    long truncated() {
      return items.stream().filter(item -> item.outcome().truncatedTokens() > 0).count();
    }

    /** Tokens that they lost. */
    long truncatedTokens() {
      return items.stream().mapToLong(item -> item.outcome().truncatedTokens()).sum();
    }

    /** Items that another run computed. */
    long takenOver() {
      return items.stream().filter(Evaluation::isTakenOver).count();
    }

    /** What this run's own items took, of all executors together. */
    Duration computing() {
      return Duration.ofNanos(
          items.stream()
              .filter(item -> !isTakenOver(item))
              .mapToLong(item -> item.origin().elapsedNanos())
              .sum());
    }
  }

  /** All items as if of one task. */
  TaskItems all() {
    return new TaskItems("all", "", items);
  }

  /** The tasks in the order of the results, then those that have none yet. */
  List<TaskItems> tasks() {
    Map<String, List<EvalItemRow>> byTask = new LinkedHashMap<>();
    results.forEach(row -> byTask.put(row.task(), List.of()));
    items.stream()
        .collect(
            Collectors.groupingBy(
                item -> item.key().task(), LinkedHashMap::new, Collectors.toList()))
        .forEach(byTask::put);
    return byTask.entrySet().stream()
        .filter(entry -> !entry.getValue().isEmpty())
        .map(
            entry ->
                new TaskItems(
                    entry.getKey(),
                    entry.getValue().get(0).key().taskVersion(),
                    entry.getValue().stream()
                        .sorted(Comparator.comparingLong(item -> item.item().index()))
                        .toList()))
        .toList();
  }

  /**
   * The items that the model did worst on: wrong answers first, and among them those first whose
   * right choice fell furthest behind, or whose continuation was least likely where there is no
   * choice.
   */
  List<EvalItemRow> worst(int limit) {
    return items.stream()
        .sorted(
            Comparator.comparingInt(Evaluation::rank)
                .thenComparingDouble(Evaluation::lead)
                .thenComparing(item -> item.key().task())
                .thenComparingLong(item -> item.item().index()))
        .limit(limit)
        .toList();
  }

  private static int rank(EvalItemRow item) {
    OptionalLong correct = item.scores().correct();
    return correct.isEmpty() ? 1 : correct.getAsLong() == 0 ? 0 : 2;
  }

  private static double lead(EvalItemRow item) {
    return item.margin().orElse(item.outcome().likeliest().orElse(0));
  }

  private static boolean isTakenOver(EvalItemRow item) {
    return !item.origin().run().equals(item.runId());
  }

  /** The different values of something of the items, in order; a dash when there is none. */
  String distinct(Function<EvalItemRow, String> what) {
    TreeSet<String> values = new TreeSet<>();
    items.forEach(item -> values.add(what.apply(item)));
    return values.isEmpty() ? "-" : String.join(", ", values);
  }
}
