package org.sparkao.gpu.model;

import org.sparkao.gpu.device.Buffer;

/** Final norm, head and log-probabilities of some rows, in pieces that bound the logits' memory. */
final class HeadScoring {
  private final ModelOperators operators;
  private final PassMemory memory;

  HeadScoring(ModelOperators operators, PassMemory memory) {
    this.operators = operators;
    this.memory = memory;
  }

  /** Receives logits of rows. */
  interface RowLogits {
    /** Takes the logits [vocabulary] of the row with this index among those scored. */
    void accept(int index, float[] logits);
  }

  /** Scores of rows, in their order. */
  record Scores(float[] logProbabilities, int[] greedy) {}

  /**
   * Scores rows of the residual stream: written before the first piece and read behind the last, so
   * that no piece waits for the host.
   *
   * @param rows of it, at most as many as a pass has
   * @param targets a token for each
   * @param sink may be null: logits are read for it alone
   */
  Scores score(Projection head, int[] rows, int[] targets, RowLogits sink) {
    DeviceInts.write(memory.scoredRows(), rows);
    DeviceInts.write(memory.targets(), targets);
    for (int begin = 0; begin < rows.length; begin += memory.headRows()) {
      int count = Math.min(memory.headRows(), rows.length - begin);
      operators.gather(
          memory.hidden(),
          memory.model().hidden(),
          ints(memory.scoredRows(), begin, count),
          count,
          memory.picked());
      head.run(Operation.PREFILL, count, memory.picked(), memory.logits());
      operators.score(
          memory.logits(),
          count,
          memory.model().vocabulary(),
          ints(memory.targets(), begin, count),
          new ModelOperators.TokenScores(
              ints(memory.scores().logProbabilities(), begin, count),
              ints(memory.scores().greedy(), begin, count)));
      if (sink != null) {
        report(begin, count, sink);
      }
    }
    return new Scores(
        DeviceInts.readFloats(memory.scores().logProbabilities(), 0, rows.length),
        DeviceInts.read(memory.scores().greedy(), rows.length));
  }

  private static Buffer ints(Buffer all, int first, int count) {
    return all.slice((long) Integer.BYTES * first, (long) Integer.BYTES * count);
  }

  private void report(int begin, int count, RowLogits sink) {
    int vocabulary = memory.model().vocabulary();
    for (int i = 0; i < count; i++) {
      sink.accept(begin + i, DeviceInts.readFloats(memory.logits(), i * vocabulary, vocabulary));
    }
  }
}
