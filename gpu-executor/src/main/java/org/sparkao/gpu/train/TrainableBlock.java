package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.model.LayerWeights;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.BlockMemory.Use;
import org.sparkao.gpu.train.TrainingOperators.Attended;
import org.sparkao.gpu.train.TrainingOperators.AttendedHeads;

/**
 * A transformer block: attention and feed-forward half, each with its norm before it. What a
 * forward pass leaves in a {@link BlockMemory} that other blocks use, {@link #backward} computes
 * again from the block's input (Chen et al. 2016).
 */
final class TrainableBlock {
  private final TrainingOperators operators;
  private final BlockMemory memory;
  private final Heads heads;
  private final List<Weight> weights = new ArrayList<>();
  private final NormWeight inputNorm;
  private final NormWeight middleNorm;
  private final TrainableLinear qkv;
  private final TrainableLinear output;
  private final TrainableLinear gateUp;
  private final TrainableLinear down;
  private final List<Parameter> parameters = new ArrayList<>();

  /** What is not the block's own; the memory may be. */
  record Shared(ModelConfig config, BlockMemory memory, BlockLinears linears, Heads heads) {}

  /** Reads weights; everything is closed with the loader. */
  TrainableBlock(WeightLoader loader, LayerWeights layer, Shared shared) {
    this.operators = loader.operators();
    this.memory = shared.memory();
    float epsilon = shared.config().normEpsilon();
    this.inputNorm = norm(loader.load(layer.inputNorm()), epsilon);
    this.heads =
        new Heads(
            shared.heads().shape(),
            shared.heads().rotation(),
            layer
                .headNorms()
                .map(
                    norms ->
                        new Heads.HeadNorms(
                            norm(loader.load(norms.query()), epsilon),
                            norm(loader.load(norms.key()), epsilon))));
    this.middleNorm = norm(loader.load(layer.feedForwardNorm()), epsilon);
    LayerWeights.Dense dense = (LayerWeights.Dense) layer.feedForward();
    BlockLinears linears = shared.linears();
    this.qkv = TrainableLinear.load(loader, layer.qkv(), linears.qkv());
    this.output = TrainableLinear.load(loader, List.of(layer.output()), linears.output());
    this.gateUp = TrainableLinear.load(loader, List.of(dense.gate(), dense.up()), linears.gateUp());
    this.down = TrainableLinear.load(loader, List.of(dense.down()), linears.down());
    weights.forEach(weight -> weight.parameter().ifPresent(parameters::add));
    linears().forEach(linear -> parameters.addAll(linear.parameters(loader)));
  }

  /** Memory of each kind of linear layer. */
  record BlockLinears(
      LinearMemory qkv, LinearMemory output, LinearMemory gateUp, LinearMemory down) {
    static BlockLinears of(WeightLoader loader) {
      return new BlockLinears(
          LinearMemory.ofBlock(loader),
          LinearMemory.ofBlock(loader),
          LinearMemory.ofBlock(loader),
          LinearMemory.ofBlock(loader));
    }

    /** The same inputs, and fake weights of its own. */
    BlockLinears withOwnWeights() {
      return new BlockLinears(
          qkv.withOwnWeight(),
          output.withOwnWeight(),
          gateUp.withOwnWeight(),
          down.withOwnWeight());
    }
  }

  private NormWeight norm(Weight weight, float epsilon) {
    weights.add(weight);
    return new NormWeight(weight.value(), weight.gradient(), epsilon);
  }

  private List<TrainableLinear> linears() {
    return List.of(qkv, output, gateUp, down);
  }

  /**
   * Computes the block.
   *
   * @param x [tokens, hidden]
   * @param y [tokens, hidden], never {@code x}
   */
  void forward(Tensor x, TokenBatch batch, Tensor y) {
    toInner(x, batch);
    down.forward(memory.get(Use.INNER), y);
    operators.add(memory.get(Use.MIDDLE), y);
  }

  private void toInner(Tensor x, TokenBatch batch) {
    linears().forEach(TrainableLinear::prepare);
    operators.norm(x, inputNorm, memory.get(Use.NORMED));
    qkv.forward(memory.get(Use.NORMED), memory.get(Use.RAW));
    operators.heads(memory.get(Use.RAW), heads, batch, memory.get(Use.QKV));
    operators.attend(attendedHeads(batch), attended());
    output.forward(memory.get(Use.ATTENDED), memory.get(Use.MIDDLE));
    operators.add(x, memory.get(Use.MIDDLE));
    operators.norm(memory.get(Use.MIDDLE), middleNorm, memory.get(Use.NORMED_MIDDLE));
    gateUp.forward(memory.get(Use.NORMED_MIDDLE), memory.get(Use.GATE_UP));
    operators.gate(memory.get(Use.GATE_UP), memory.get(Use.INNER));
  }

  /** Fake inputs and codes, which other blocks overwrote. */
  private void restoreFakes() {
    qkv.prepareInput(memory.get(Use.NORMED));
    output.prepareInput(memory.get(Use.ATTENDED));
    gateUp.prepareInput(memory.get(Use.NORMED_MIDDLE));
  }

  private AttendedHeads attendedHeads(TokenBatch batch) {
    return new AttendedHeads(memory.get(Use.QKV), heads.shape(), batch);
  }

  private Attended attended() {
    return new Attended(memory.get(Use.ATTENDED), memory.get(Use.LOG_SUMS));
  }

  /**
   * Adds the gradients of everything trained.
   *
   * @param x as {@link #forward} read it
   * @param gradient [tokens, hidden]: of y; then of x
   */
  void backward(Tensor x, TokenBatch batch, Tensor gradient) {
    if (memory.isKept()) {
      restoreFakes();
    } else {
      toInner(x, batch);
    }
    down.prepareInput(memory.get(Use.INNER));
    down.backward(gradient, memory.get(Use.INNER), memory.get(Use.D_INNER));
    operators.gateGradient(
        memory.get(Use.GATE_UP), memory.get(Use.D_INNER), memory.get(Use.D_GATE_UP));
    gateUp.backward(
        memory.get(Use.D_GATE_UP), memory.get(Use.NORMED_MIDDLE), memory.get(Use.D_NORMED));
    operators.normGradient(memory.get(Use.MIDDLE), middleNorm, memory.get(Use.D_NORMED), gradient);
    output.backward(gradient, memory.get(Use.ATTENDED), memory.get(Use.D_ATTENDED));
    operators.attendGradient(
        attendedHeads(batch), attended(), memory.get(Use.D_ATTENDED), memory.get(Use.D_QKV));
    operators.headsGradient(memory.get(Use.RAW), heads, batch, memory.get(Use.D_QKV));
    qkv.backward(memory.get(Use.D_QKV), memory.get(Use.NORMED), memory.get(Use.D_NORMED));
    operators.normGradient(x, inputNorm, memory.get(Use.D_NORMED), gradient);
  }

  /** Makes gradients of weights of those of fake weights, once a step. */
  void finishGradients() {
    linears().forEach(TrainableLinear::finishGradients);
  }

  /** All gradients that a step begins at zero. */
  List<Tensor> gradients() {
    List<Tensor> all = new ArrayList<>();
    weights.forEach(weight -> weight.gradient().ifPresent(all::add));
    linears().forEach(linear -> all.addAll(linear.gradients()));
    return all;
  }

  /** What is trained. */
  List<Parameter> parameters() {
    return List.copyOf(parameters);
  }
}
