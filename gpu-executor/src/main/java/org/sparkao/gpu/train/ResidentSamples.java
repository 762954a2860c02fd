package org.sparkao.gpu.train;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.sparkao.gpu.tensor.Tensor;

/**
 * Inputs and wanted outputs of a block that lie on the device, sequence after sequence, so that a
 * step copies nothing from the host. The caller closes it.
 */
public final class ResidentSamples implements BlockTask.Samples, AutoCloseable {
  private final TrainingOperators operators;
  private final int[] ends;
  private final Tensor inputs;
  private final Tensor outputs;

  /**
   * Takes memory.
   *
   * @param tokens of each sequence
   * @param hidden elements of a hidden state
   */
  public ResidentSamples(TrainingOperators operators, int[] tokens, int hidden) {
    this.operators = operators;
    this.ends = new int[tokens.length];
    int all = 0;
    for (int i = 0; i < tokens.length; i++) {
      all = Math.addExact(all, tokens[i]);
      ends[i] = all;
    }
    this.inputs = operators.allocateStates(all, hidden);
    try {
      this.outputs = operators.allocateStates(all, hidden);
    } catch (RuntimeException e) {
      inputs.close();
      throw e;
    }
  }

  /** Where the input of a sequence is put, [tokens, hidden]. */
  public Tensor input(int sample) {
    return inputs.slice(begin(sample), ends[sample]);
  }

  /** Where its wanted output is put, [tokens, hidden]. */
  public Tensor output(int sample) {
    return outputs.slice(begin(sample), ends[sample]);
  }

  private int begin(int sample) {
    return sample == 0 ? 0 : ends[sample - 1];
  }

  @Override
  public int count() {
    return ends.length;
  }

  @Override
  public int tokens(int sample) {
    return ends[sample] - begin(sample);
  }

  @Override
  public void read(int sample, Tensor input, Tensor output) {
    operators.copy(input(sample), input);
    operators.copy(output(sample), output);
  }

  /** Wanted outputs become the inputs, those of the block behind. */
  public void follow() {
    operators.copy(outputs, inputs);
  }

  /** Takes all inputs through a block: they become those of the block behind it. */
  public void advance(SingleBlock block) {
    int[] all = IntStream.range(0, ends.length).toArray();
    HiddenBatches packed = new HiddenBatches();
    for (int[] batch : Batches.cut(all, this::tokens, block.tokens())) {
      Tensor x = inputs.slice(begin(batch[0]), ends[batch[batch.length - 1]]);
      block.advance(x, packed.of(Arrays.stream(batch).map(this::tokens).toArray()));
    }
  }

  @Override
  public void close() {
    inputs.close();
    outputs.close();
  }
}
