package org.sparkao.gpu.train;

import java.io.IOException;
import java.util.List;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelWeights;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * One transformer block of a model by itself, trained to give wanted outputs (Block-AP of
 * EfficientQAT, Chen et al. 2024). For one thread at a time; the caller closes it.
 */
public final class SingleBlock implements AutoCloseable {
  private final WeightLoader loader;
  private final TrainingOperators operators;
  private final BlockMemory memory;
  private final TrainableBlock block;
  private final Tensor output;
  private final Tensor losses;

  private SingleBlock(WeightLoader loader, ModelConfig config, ModelWeights weights, int layer) {
    this.loader = loader;
    this.operators = loader.operators();
    this.memory = BlockMemory.ofOne(loader, config);
    TrainableBlock.Shared shared =
        new TrainableBlock.Shared(
            config, memory, TrainableBlock.BlockLinears.of(loader), BlockHeads.of(loader, config));
    this.block = new TrainableBlock(loader, weights.layers().get(layer), shared);
    this.output = loader.takeStates(loader.setup().tokens(), config.sizes().hidden());
    this.losses = loader.take(loader.setup().tokens(), 1);
  }

  /**
   * Reads a block.
   *
   * @param operators stay the caller's
   * @param lookup of the whole model; only the block is read
   * @param layer from 0
   * @throws org.sparkao.quant.QuantException as {@link TrainableModel#load}
   */
  public static SingleBlock load(
      TrainingOperators operators,
      ModelConfig config,
      WeightLookup lookup,
      int layer,
      ModelSetup setup) {
    TrainErrors.requireDense(config);
    TrainErrors.requireFloat8(config, setup);
    ModelWeights weights = ModelWeights.of(config, lookup);
    WeightLoader loader = new WeightLoader(operators, setup);
    try {
      return new SingleBlock(loader, config, weights, layer);
    } catch (RuntimeException e) {
      loader.close();
      throw e;
    }
  }

  /** Most tokens of a batch. */
  int tokens() {
    return loader.setup().tokens();
  }

  /** What is trained, always in the same order. */
  public List<Parameter> parameters() {
    return block.parameters();
  }

  /**
   * Computes the block.
   *
   * @param x [tokens, hidden]
   * @param y [tokens, hidden], never {@code x}
   */
  public void forward(Tensor x, TokenBatch batch, Tensor y) {
    TrainErrors.requireFits(batch, loader.setup());
    memory.begin(batch.tokens());
    block.forward(x, batch, y);
  }

  /** Computes the block in place. */
  void advance(Tensor x, TokenBatch batch) {
    Tensor y = output.slice(0, batch.tokens());
    forward(x, batch, y);
    operators.copy(y, x);
  }

  /**
   * Takes values that a {@link Trainer} of this block wrote.
   *
   * @param values of all parts; stay the caller's
   * @throws org.sparkao.quant.QuantException when they are of something else; nothing is changed
   *     then
   */
  public void restore(List<ByteSource> values) throws IOException {
    ParameterFile.require(values, parameters());
    ParameterFile.read(values, parameters());
  }

  /** Relative errors against wanted outputs: no gradient changes. */
  public BatchLoss loss(Tensor x, Tensor wanted, TokenBatch batch) {
    return read(errors(x, wanted, batch, 1));
  }

  /**
   * Relative errors of rows; the output becomes their gradient. Plain squared errors would be ruled
   * by the few tokens whose states are thousands of times as large as others'.
   */
  private Tensor errors(Tensor x, Tensor wanted, TokenBatch batch, float weight) {
    Tensor y = output.slice(0, batch.tokens());
    forward(x, batch, y);
    Tensor perRow = losses.slice(0, batch.tokens());
    operators.zero(perRow);
    operators.relativeError(y, wanted, new TrainingOperators.Relative(1, weight), perRow);
    return perRow;
  }

  private static BatchLoss read(Tensor perRow) {
    return BatchLoss.of(perRow.toFloats(), perRow.rows());
  }

  /**
   * Adds {@code weight} times the gradient of the sum of relative errors to all gradients.
   *
   * @param x [tokens, hidden]
   * @param wanted [tokens, hidden]
   */
  public BatchLoss accumulate(Tensor x, Tensor wanted, TokenBatch batch, float weight) {
    Tensor perRow = errors(x, wanted, batch, weight);
    block.backward(x, batch, output.slice(0, batch.tokens()));
    // Read last: a device is not waited for before all is launched.
    return read(perRow);
  }

  /** Makes all gradients zero. */
  public void zeroGradients() {
    operators.zero(block.gradients());
  }

  /** As {@link TrainableModel#finishGradients()}. */
  public void finishGradients() {
    block.finishGradients();
  }

  @Override
  public void close() {
    loader.close();
  }
}
