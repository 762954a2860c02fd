package org.sparkao.gpu.train;

import java.util.Arrays;
import java.util.List;
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

  /** Takes all inputs through a block: they become those of the block behind it. */
  public void advance(SingleBlock block) {
    int[] all = IntStream.range(0, ends.length).toArray();
    for (int[] batch : Batches.cut(all, this::tokens, block.tokens())) {
      Tensor x = inputs.slice(begin(batch[0]), ends[batch[batch.length - 1]]);
      // Ids are not read: the block begins with hidden states.
      List<int[]> sequences =
          Arrays.stream(batch).mapToObj(sample -> new int[tokens(sample)]).toList();
      block.advance(x, TokenBatch.of(sequences));
    }
  }

  @Override
  public void close() {
    inputs.close();
    outputs.close();
  }
}
