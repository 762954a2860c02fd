package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparkao.gpu.model.LanguageModel.LogitsSink;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;
import org.sparkao.gpu.model.LanguageModel.SequenceScore;

/**
 * Sequences of one pass without their last tokens, which are only scored; and which rows of it are
 * scored: those before scored tokens. What sequences begin with together is computed once.
 */
final class ScoringBatch {
  private final List<ScoredSequence> sequences;
  private final int firstIndex;
  private final PackedTokens tokens;
  private final int[] rows;
  private final int[] targets;
  private final int[] owners;
  private final int[] positions;

  /** {@code firstIndex}: of the first sequence in the caller's list. */
  ScoringBatch(List<ScoredSequence> sequences, int firstIndex) {
    this.sequences = sequences;
    this.firstIndex = firstIndex;
    SharedPrefixes.Packed packed =
        SharedPrefixes.pack(sequences.stream().map(ScoringBatch::read).toList());
    this.tokens = packed.tokens();
    int scored = sequences.stream().mapToInt(s -> s.ids().length - s.firstScored()).sum();
    this.rows = new int[scored];
    this.targets = new int[scored];
    this.owners = new int[scored];
    this.positions = new int[scored];
    int at = 0;
    for (int i = 0; i < sequences.size(); i++) {
      ScoredSequence sequence = sequences.get(i);
      for (int p = sequence.firstScored(); p < sequence.ids().length; p++) {
        rows[at] = packed.rows()[i][p - 1];
        targets[at] = sequence.ids()[p];
        owners[at] = firstIndex + i;
        positions[at++] = p;
      }
    }
  }

  private static int[] read(ScoredSequence sequence) {
    return Arrays.copyOf(sequence.ids(), sequence.read());
  }

  /** Cuts sequences into batches that read at most so many tokens, in their order. */
  static List<ScoringBatch> cut(List<ScoredSequence> all, int mostTokens) {
    List<ScoringBatch> batches = new ArrayList<>();
    int begin = 0;
    int tokens = 0;
    for (int i = 0; i < all.size(); i++) {
      int length = all.get(i).read();
      if (tokens + length > mostTokens) {
        batches.add(new ScoringBatch(all.subList(begin, i), begin));
        begin = i;
        tokens = 0;
      }
      tokens += length;
    }
    if (begin < all.size()) {
      batches.add(new ScoringBatch(all.subList(begin, all.size()), begin));
    }
    return batches;
  }

  PackedTokens tokens() {
    return tokens;
  }

  /** Scores of the sequences, in order. */
  List<SequenceScore> score(HeadScoring head, Projection projection, LogitsSink sink) {
    HeadScoring.RowLogits rowSink =
        sink == null ? null : (i, logits) -> sink.accept(owners[i], positions[i], logits);
    HeadScoring.Scores scores = head.score(projection, rows, targets, rowSink);
    List<SequenceScore> result = new ArrayList<>();
    int at = 0;
    for (ScoredSequence sequence : sequences) {
      int count = sequence.ids().length - sequence.firstScored();
      float[] logProbabilities = new float[count];
      boolean[] greedy = new boolean[count];
      for (int i = 0; i < count; i++) {
        logProbabilities[i] = scores.logProbabilities()[at];
        greedy[i] = scores.greedy()[at] == targets[at];
        at++;
      }
      result.add(new SequenceScore(logProbabilities, greedy));
    }
    return result;
  }
}
