package org.sparkao.jobs.describe;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.sparkao.jobs.table.AskedItem;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;

/** Runs of evaluate written down for tests: a quiz of two choices and a text. */
final class EvaluationFixture {
  static final String RUN = "evaluate-1";

  private EvaluationFixture() {}

  static RunRow run(RunRow.Status status) {
    Instant start = Instant.parse("2026-11-30T06:00:00Z");
    return new RunRow(
        RUN,
        "evaluate",
        "[\"evaluate\",\"--tasks\",\"quiz,text\"]",
        "{\"tasks\":[\"quiz,text\"]}",
        "0.1.0",
        "cd".repeat(32),
        status,
        start,
        status == RunRow.Status.RUNNING ? Optional.empty() : Optional.of(start.plusSeconds(75)),
        "local-1",
        new RunRow.Volume("models/llama", "tables/eval_results", "fp32", 2_500_000, 0, 48, 0, 0));
  }

  /**
   * Choices of 2 and 3 tokens after 10: the first has nats / 2 a token, the second -9 / 3. The
   * first is the answer, and right if anything is.
   */
  static EvalItemRow quiz(long index, boolean right, double nats, String computedBy) {
    return new EvalItemRow(
        RUN,
        key("quiz", "2.0", index),
        new EvalItemRow.Item(
            index,
            "hash-of-quiz-" + index,
            List.of("a", "b"),
            new AskedItem(
                Optional.of("Which of\nboth?"),
                List.of("the first", "the second"),
                OptionalLong.of(right ? 0 : 1),
                Optional.of(right ? "the first" : "the second")),
            OptionalLong.empty(),
            OptionalLong.empty()),
        new EvalItemRow.Outcome(
            List.of(-nats, -9.0),
            List.of(0L, 0L),
            List.of(10L, 10L),
            List.of(2L, 3L),
            0,
            Optional.empty()),
        new EvalItemRow.Scores(
            OptionalLong.of(right ? 1 : 0), List.of(new EvalItemRow.Value("acc", right ? 1 : 0))),
        origin(computedBy));
  }

  /** 100 tokens and -250 nats; 7 tokens were cut off. */
  static EvalItemRow text() {
    return new EvalItemRow(
        RUN,
        key("text", "1.0", 0),
        new EvalItemRow.Item(
            0,
            "hash-of-text-0",
            List.of("a"),
            AskedItem.NOTHING,
            OptionalLong.of(70),
            OptionalLong.of(400)),
        new EvalItemRow.Outcome(
            List.of(-250.0), List.of(0L), List.of(1L), List.of(100L), 7, Optional.empty()),
        new EvalItemRow.Scores(
            OptionalLong.empty(), List.of(new EvalItemRow.Value("word_perplexity", 35.5))),
        origin(RUN));
  }

  /** A question that was answered wrong in words. */
  static EvalItemRow generated(String answer) {
    return new EvalItemRow(
        RUN,
        key("words", "3.0", 0),
        new EvalItemRow.Item(
            0,
            "hash-of-words-0",
            List.of("a"),
            new AskedItem(
                Optional.of("How many?"), List.of(), OptionalLong.empty(), Optional.of("#### 7")),
            OptionalLong.empty(),
            OptionalLong.empty()),
        new EvalItemRow.Outcome(
            List.of(), List.of(), List.of(40L), List.of(5L), 0, Optional.of(answer)),
        new EvalItemRow.Scores(
            OptionalLong.of(0), List.of(new EvalItemRow.Value("exact_match,strict-match", 0))),
        origin(RUN));
  }

  private static EvalItemRow.Key key(String task, String version, long index) {
    return new EvalItemRow.Key(
        "k" + index, "c".repeat(8), task, version, "p" + index, "fp32 exact", "cpu avx2");
  }

  /** Each took half a second. */
  private static EvalItemRow.Origin origin(String run) {
    return new EvalItemRow.Origin(run, "driver", 0, 500_000_000, Instant.EPOCH);
  }

  static EvalResultRow result(String task, String metric, double value, OptionalDouble error) {
    return new EvalResultRow(
        RUN,
        task,
        "1",
        metric,
        value,
        new EvalResultRow.Spread(error, OptionalLong.empty()),
        4,
        Instant.EPOCH);
  }

  /** Four questions, of which two were answered wrong and one was computed by another run. */
  static Evaluation evaluation() {
    List<EvalItemRow> items =
        new ArrayList<>(
            List.of(
                quiz(0, true, 1, RUN),
                quiz(1, false, 2, RUN),
                quiz(2, false, 4, RUN),
                quiz(3, true, 5, "evaluate-0"),
                text()));
    return new Evaluation(
        run(RunRow.Status.DONE),
        List.of(
            result("quiz", "acc", 0.5, OptionalDouble.of(0.25)),
            result("text", "word_perplexity", 35.5, OptionalDouble.empty())),
        items);
  }
}
