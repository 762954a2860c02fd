package org.sparkao.gpu.model;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.TokenSampler;
import org.sparkao.gpu.model.LanguageModel.Sampling;

/** Final norm, head and choice of tokens, in pieces that bound the logits' memory. */
final class NextTokens {
  private final ModelOperators operators;
  private final PassMemory memory;
  private final Sampling sampling;
  private final Optional<Buffer> forbidden;

  /** {@code forbidden}: the tokens that a continuation too short may not take. */
  NextTokens(
      ModelOperators operators, PassMemory memory, Sampling sampling, Optional<Buffer> forbidden) {
    this.operators = operators;
    this.memory = memory;
    this.sampling = sampling;
    this.forbidden = forbidden;
  }

  /** Writes how the next tokens are chosen; a row without a continuation (null) is idle. */
  void ask(List<Continuation> rows) {
    int[] draws = new int[TokenSampler.ROW_WORDS * rows.size()];
    for (int i = 0; i < rows.size(); i++) {
      Continuation one = rows.get(i);
      int at = TokenSampler.ROW_WORDS * i;
      if (one == null) {
        draws[at] = TokenSampler.IDLE;
        continue;
      }
      long sample = sampling.firstSample() + one.index();
      draws[at] = one.flags(sampling.rule());
      draws[at + 1] = one.length();
      draws[at + 2] = (int) sample;
      draws[at + 3] = (int) (sample >>> 32);
    }
    DeviceInts.write(memory.draws(), draws);
  }

  /** Chooses for the first rows of the residual stream; launches alone. */
  void launch(Projection head, Operation operation, int rows) {
    for (int begin = 0; begin < rows; begin += memory.headRows()) {
      int count = Math.min(memory.headRows(), rows - begin);
      Buffer hidden = memory.hidden().slice(memory.hiddenBytes(begin), memory.hiddenBytes(count));
      choose(head, operation, hidden, begin, count);
    }
  }

  /** Chooses for some rows of the residual stream. */
  void launch(Projection head, int[] rows) {
    for (int begin = 0; begin < rows.length; begin += memory.headRows()) {
      int count = Math.min(memory.headRows(), rows.length - begin);
      DeviceInts.write(memory.ids(), Arrays.copyOfRange(rows, begin, begin + count));
      operators.gather(
          memory.hidden(), memory.model().hidden(), memory.ids(), count, memory.picked());
      choose(head, Operation.PREFILL, memory.picked(), begin, count);
    }
  }

  private void choose(Projection head, Operation operation, Buffer x, int begin, int count) {
    head.run(operation, count, x, memory.logits());
    long draw = (long) Integer.BYTES * TokenSampler.ROW_WORDS;
    operators.sample(
        memory.logits(),
        count,
        memory.model().vocabulary(),
        new TokenSampler.Draw(
            sampling.rule(),
            sampling.seed(),
            memory.draws().slice(draw * begin, draw * count),
            forbidden),
        memory.next().slice((long) Integer.BYTES * begin, (long) Integer.BYTES * count));
  }

  /** The chosen tokens. */
  int[] read(int rows) {
    return DeviceInts.read(memory.next(), rows);
  }
}
