package org.sparkao.gpu.train;

import java.util.Arrays;
import java.util.List;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/**
 * A block is trained to give the outputs of the full-precision one: of every token the squared
 * error relative to the wanted output's squares.
 */
public final class BlockTask implements TrainingTask, AutoCloseable {
  private final SingleBlock block;
  private final Samples samples;
  private final Tensor inputs;
  private final Tensor wanted;
  private final HiddenBatches packed = new HiddenBatches();

  /** Inputs and wanted outputs of a block, a sequence each. */
  public interface Samples {
    /** How many. */
    int count();

    /** Tokens of a sequence. */
    int tokens(int sample);

    /**
     * Reads a sequence.
     *
     * @param input [tokens, hidden], filled
     * @param output [tokens, hidden], filled
     */
    void read(int sample, Tensor input, Tensor output);
  }

  /**
   * Takes memory for a batch.
   *
   * @param block stays the caller's
   * @param hidden elements of a hidden state
   */
  public BlockTask(TrainingOperators operators, SingleBlock block, Samples samples, int hidden) {
    this.block = block;
    this.samples = samples;
    this.inputs = operators.allocateStates(block.tokens(), hidden);
    this.wanted = operators.allocateStates(block.tokens(), hidden);
  }

  @Override
  public List<Parameter> parameters() {
    return block.parameters();
  }

  @Override
  public int items() {
    return samples.count();
  }

  @Override
  public long count(int[] items) {
    return Arrays.stream(items).map(samples::tokens).asLongStream().sum();
  }

  @Override
  public List<int[]> batches(int[] items) {
    return Batches.cut(items, samples::tokens, block.tokens());
  }

  @Override
  public void zeroGradients() {
    block.zeroGradients();
  }

  @Override
  public BatchLoss accumulate(int[] batch, float weight) {
    int row = 0;
    for (int item : batch) {
      int end = row + samples.tokens(item);
      samples.read(item, inputs.slice(row, end), wanted.slice(row, end));
      row = end;
    }
    TokenBatch tokens = packed.of(Arrays.stream(batch).map(samples::tokens).toArray());
    return block.accumulate(inputs.slice(0, row), wanted.slice(0, row), tokens, weight);
  }

  @Override
  public void finishGradients() {
    block.finishGradients();
  }

  @Override
  public void close() {
    inputs.close();
    wanted.close();
  }
}
