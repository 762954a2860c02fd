package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.model.LayerWeights;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelWeights;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.TrainableBlock.BlockLinears;

/**
 * A model of the Llama family whose weights are trained. A batch's forward pass keeps the input of
 * every block, {@code [tokens, hidden]} each, and the backward pass computes each block again,
 * unless {@link ModelSetup#activations} has more kept. Gradients of batches add up until {@link
 * #zeroGradients}. For one thread at a time; the caller closes it.
 */
public final class TrainableModel implements AutoCloseable {
  private final WeightLoader loader;
  private final TrainingOperators operators;
  private final ModelConfig config;
  private final Weight table;
  private final List<TrainableBlock> blocks = new ArrayList<>();
  private final Weight normWeight;
  private final NormWeight norm;
  private final HeadPass head;
  private final List<BlockMemory> memories;
  private final List<Tensor> states = new ArrayList<>();
  private final Tensor normed;
  private final List<Parameter> parameters;

  private TrainableModel(WeightLoader loader, ModelConfig config, ModelWeights weights) {
    this.loader = loader;
    this.operators = loader.operators();
    this.config = config;
    this.table = loader.load(weights.embedding());
    this.memories = BlockMemory.ofAll(loader, config);
    BlockLinears linears = BlockLinears.of(loader);
    Heads heads = BlockHeads.of(loader, config);
    for (LayerWeights layer : weights.layers()) {
      BlockMemory memory = memories.get(blocks.size() % memories.size());
      BlockLinears own = memory.isKept() ? linears.withOwnWeights() : linears;
      TrainableBlock.Shared shared = new TrainableBlock.Shared(config, memory, own, heads);
      blocks.add(new TrainableBlock(loader, layer, shared));
    }
    this.normWeight = loader.load(weights.norm());
    this.norm = new NormWeight(normWeight.value(), normWeight.gradient(), config.normEpsilon());
    TrainableLinear linear =
        weights
            .head()
            .map(weight -> TrainableLinear.load(loader, List.of(weight), LinearMemory.ofHead()))
            .orElseGet(() -> TrainableLinear.tied(operators, table));
    this.head = new HeadPass(loader, linear, config.sizes().vocabulary());
    int kept = loader.setup().states(blocks.size());
    for (int i = 0; i < kept; i++) {
      states.add(loader.takeStates(loader.setup().tokens(), config.sizes().hidden()));
    }
    this.normed = loader.takeStates(loader.setup().tokens(), config.sizes().hidden());
    this.parameters = allParameters(linear);
  }

  /**
   * Reads a model.
   *
   * @param operators stay the caller's
   * @param lookup plain weights, or quantized ones, which are dequantized
   * @throws org.sparkao.quant.QuantException when a tensor is missing or the model has a mixture of
   *     experts; nothing is read then
   */
  public static TrainableModel load(
      TrainingOperators operators, ModelConfig config, WeightLookup lookup, ModelSetup setup) {
    TrainErrors.requireDense(config);
    TrainErrors.requireFloat8(config, setup);
    ModelWeights weights = ModelWeights.of(config, lookup);
    WeightLoader loader = new WeightLoader(operators, setup);
    try {
      return new TrainableModel(loader, config, weights);
    } catch (RuntimeException e) {
      loader.close();
      throw e;
    }
  }

  private List<Parameter> allParameters(TrainableLinear linear) {
    List<Parameter> all = new ArrayList<>();
    table.parameter().ifPresent(all::add);
    blocks.forEach(block -> all.addAll(block.parameters()));
    normWeight.parameter().ifPresent(all::add);
    all.addAll(linear.parameters(loader));
    return List.copyOf(all);
  }

  /** What it is. */
  public ModelConfig config() {
    return config;
  }

  /** How it was made. */
  public ModelSetup setup() {
    return loader.setup();
  }

  /** What is trained, always in the same order. */
  public List<Parameter> parameters() {
    return parameters;
  }

  /** Makes all gradients zero. */
  public void zeroGradients() {
    List<Tensor> all = new ArrayList<>();
    table.gradient().ifPresent(all::add);
    normWeight.gradient().ifPresent(all::add);
    blocks.forEach(block -> all.addAll(block.gradients()));
    all.addAll(head.linear().gradients());
    operators.zero(all);
  }

  /**
   * Makes gradients of weights of those of fake weights: after the last batch of a step, before the
   * gradients of {@link #parameters()} are used.
   */
  public void finishGradients() {
    blocks.forEach(TrainableBlock::finishGradients);
    head.linear().finishGradients();
  }

  /**
   * Adds {@code weight} times the gradient of the sum of a batch's losses to all gradients.
   *
   * @param weight one over the tokens with a loss of all batches of a step
   */
  public BatchLoss accumulate(TokenBatch batch, Objective objective, float weight) {
    objective.begin(batch);
    forward(batch);
    // After the head has read it, its place takes the gradient of the residual stream.
    Tensor last = normed.slice(0, batch.tokens());
    Tensor losses = head.train(new HeadPass.Call(batch, objective, weight), last);
    operators.zero(last);
    operators.normGradient(
        state(blocks.size()).slice(0, batch.tokens()),
        norm,
        head.dNormed().slice(0, batch.tokens()),
        last);
    for (int i = blocks.size() - 1; i >= 0; i--) {
      if (objective.readsStates()) {
        Tensor output = blockOutput(i).slice(0, batch.tokens());
        objective.stateLosses(i, output, weight, losses);
        operators.add(output, last);
      }
      blocks.get(i).backward(states.get(i).slice(0, batch.tokens()), batch, last);
    }
    table.gradient().ifPresent(d -> operators.embedGradient(batch, last, d));
    return BatchLoss.of(losses.toFloats(), objective.count(batch));
  }

  /** The loss of a batch alone: no gradient changes. */
  public BatchLoss loss(TokenBatch batch, Objective objective) {
    return BatchLoss.of(losses(batch, objective), objective.count(batch));
  }

  /** The loss of each token of a batch, 0 where it has none: no gradient changes. */
  public float[] losses(TokenBatch batch, Objective objective) {
    objective.begin(batch);
    forward(batch);
    HeadPass.Call call = new HeadPass.Call(batch, objective, 1);
    Tensor losses = head.evaluate(call, normed.slice(0, batch.tokens()));
    if (objective.readsStates()) {
      for (int i = 0; i < blocks.size(); i++) {
        objective.stateLosses(i, blockOutput(i).slice(0, batch.tokens()), 1, losses);
      }
    }
    return losses.toFloats();
  }

  /** What a block gave for the last batch, in a model that keeps its states. */
  Tensor blockOutput(int layer) {
    if (states.size() <= blocks.size()) {
      throw new IllegalStateException("outputs of blocks are not kept");
    }
    return states.get(layer + 1);
  }

  /** Computes the normed states of a batch, which {@link #logits} reads. */
  void forward(TokenBatch batch) {
    TrainErrors.requireFits(batch, loader.setup());
    int tokens = batch.tokens();
    memories.forEach(memory -> memory.begin(tokens));
    operators.embed(table.value(), batch, state(0).slice(0, tokens));
    for (int i = 0; i < blocks.size(); i++) {
      blocks.get(i).forward(state(i).slice(0, tokens), batch, state(i + 1).slice(0, tokens));
    }
    operators.norm(state(blocks.size()).slice(0, tokens), norm, normed.slice(0, tokens));
    head.linear().prepare();
  }

  /** Without a backward pass two take turns. */
  private Tensor state(int index) {
    return states.get(index % states.size());
  }

  /** Logits of tokens begin to end - 1 of the last batch; valid until the next call. */
  Tensor logits(int begin, int end) {
    return head.logits(normed, begin, end);
  }

  @Override
  public void close() {
    loader.close();
  }
}
