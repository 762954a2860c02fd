package org.sparkao.gpu.model;

import java.util.Arrays;

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
   * Scores rows of the residual stream.
   *
   * @param rows of it
   * @param targets a token for each
   * @param sink may be null: logits are read for it alone
   */
  Scores score(Projection head, int[] rows, int[] targets, RowLogits sink) {
    Scores all = new Scores(new float[rows.length], new int[rows.length]);
    for (int begin = 0; begin < rows.length; begin += memory.headRows()) {
      int count = Math.min(memory.headRows(), rows.length - begin);
      DeviceInts.write(memory.ids(), Arrays.copyOfRange(rows, begin, begin + count));
      operators.gather(
          memory.hidden(), memory.model().hidden(), memory.ids(), count, memory.picked());
      head.run(Operation.PREFILL, count, memory.picked(), memory.logits());
      DeviceInts.write(memory.ids(), Arrays.copyOfRange(targets, begin, begin + count));
      operators.score(
          memory.logits(), count, memory.model().vocabulary(), memory.ids(), memory.scores());
      float[] values = DeviceInts.readFloats(memory.scores().logProbabilities(), 0, count);
      System.arraycopy(values, 0, all.logProbabilities, begin, count);
      int[] greedy = DeviceInts.read(memory.scores().greedy(), count);
      System.arraycopy(greedy, 0, all.greedy, begin, count);
      if (sink != null) {
        report(begin, count, sink);
      }
    }
    return all;
  }

  private void report(int begin, int count, RowLogits sink) {
    int vocabulary = memory.model().vocabulary();
    for (int i = 0; i < count; i++) {
      sink.accept(begin + i, DeviceInts.readFloats(memory.logits(), i * vocabulary, vocabulary));
    }
  }
}
