package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.fake.Fakes;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.LayerWeights;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelWeights;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.optimizer.StateFormat;

/**
 * Bytes that training a model takes of a device, known before a weight is read: weights, gradients
 * and moments in fp32, what goes from operator to operator in the device's type. Learned scales and
 * what lies behind the last row of a tensor are not counted.
 *
 * @param weights values of all
 * @param gradients of those that are trained, of layers that learn scales, and of layers that read
 *     the same as one of these
 * @param moments of the optimizer
 * @param states inputs of all blocks for the most tokens of a batch
 * @param block what blocks compute in, with fake weights and fp8 codes
 * @param head logits of some rows, and losses
 */
public record TrainingMemory(
    long weights, long gradients, long moments, long states, long block, long head) {
  /** All together. */
  public long total() {
    return weights + gradients + moments + states + block + head;
  }

  /**
   * Of a model.
   *
   * @param moments what they are stored as
   * @param between what goes from operator to operator
   */
  public static TrainingMemory of(
      ModelConfig config,
      WeightLookup lookup,
      ModelSetup setup,
      StateFormat moments,
      Arithmetic between) {
    TrainErrors.requireDense(config);
    TrainErrors.requireFloat8(config, setup);
    Parameters all = Parameters.of(groups(ModelWeights.of(config, lookup)), setup, moments);
    long hidden = (long) setup.tokens() * config.sizes().hidden();
    int kept = setup.states(config.sizes().layers());
    return new TrainingMemory(
        Float.BYTES * all.elements(),
        Float.BYTES * all.withGradient(),
        all.moments(),
        between.bytes() * (kept + 1) * hidden,
        block(config, setup, between, setup.blocksWithActivations(config.sizes().layers())),
        between.bytes() * head(config, setup) + (long) Float.BYTES * setup.tokens());
  }

  /** Of the first block by itself, as {@link SingleBlock} and {@link BlockTask} take it. */
  public static TrainingMemory ofBlock(
      ModelConfig config,
      WeightLookup lookup,
      ModelSetup setup,
      StateFormat moments,
      Arithmetic between) {
    TrainErrors.requireDense(config);
    TrainErrors.requireFloat8(config, setup);
    List<LayerWeights> first = ModelWeights.of(config, lookup).layers().subList(0, 1);
    List<List<Sized>> groups = new ArrayList<>();
    first.forEach(layer -> add(layer, groups));
    Parameters all = Parameters.of(groups, setup, moments);
    long hidden = (long) setup.tokens() * config.sizes().hidden();
    return new TrainingMemory(
        Float.BYTES * all.elements(),
        Float.BYTES * all.withGradient(),
        all.moments(),
        between.bytes() * 3 * hidden,
        block(config, setup, between, 1),
        (long) Float.BYTES * setup.tokens());
  }

  /**
   * A tensor.
   *
   * @param module of a weight of a linear layer; empty for others
   */
  private record Sized(String name, long elements, Optional<String> module) {
    static Sized of(StoredTensor tensor) {
      long elements = tensor.shape().stream().reduce(1L, Math::multiplyExact);
      return new Sized(tensor.name(), elements, Optional.empty());
    }

    static Sized of(LinearWeight linear) {
      return new Sized(
          linear.name() + ".weight", (long) linear.n() * linear.k(), Optional.of(linear.name()));
    }

    boolean needsGradient(ModelSetup setup) {
      boolean learned =
          setup.hasGradients() && module.map(setup.fakes()::learnsScales).orElse(false);
      return learned || setup.trains(name);
    }
  }

  /** Numbers of elements, and bytes of moments. */
  private record Parameters(long elements, long withGradient, long moments) {
    static Parameters of(List<List<Sized>> groups, ModelSetup setup, StateFormat states) {
      long all = 0;
      long withGradient = 0;
      long moments = 0;
      for (List<Sized> group : groups) {
        long elements = group.stream().mapToLong(Sized::elements).sum();
        boolean gradient = group.stream().anyMatch(tensor -> tensor.needsGradient(setup));
        all += elements;
        withGradient += gradient ? elements : 0;
        for (Sized tensor : group) {
          moments += setup.trains(tensor.name()) ? states.stateBytes(tensor.elements()) : 0;
        }
      }
      return new Parameters(all, withGradient, moments);
    }
  }

  /** Tensors that stand one above the other, as {@link TrainableLinear} takes them. */
  private static List<List<Sized>> groups(ModelWeights weights) {
    List<List<Sized>> groups = new ArrayList<>();
    groups.add(List.of(Sized.of(weights.embedding())));
    groups.add(List.of(Sized.of(weights.norm())));
    weights.head().ifPresent(head -> add(List.of(head), groups));
    weights.layers().forEach(layer -> add(layer, groups));
    return groups;
  }

  private static void add(LayerWeights layer, List<List<Sized>> groups) {
    groups.add(List.of(Sized.of(layer.inputNorm())));
    groups.add(List.of(Sized.of(layer.feedForwardNorm())));
    layer
        .headNorms()
        .ifPresent(
            norms -> {
              groups.add(List.of(Sized.of(norms.query())));
              groups.add(List.of(Sized.of(norms.key())));
            });
    LayerWeights.Dense dense = (LayerWeights.Dense) layer.feedForward();
    add(layer.qkv(), groups);
    add(List.of(layer.output()), groups);
    add(List.of(dense.gate(), dense.up()), groups);
    add(List.of(dense.down()), groups);
  }

  private static void add(List<LinearWeight> linears, List<List<Sized>> groups) {
    groups.add(linears.stream().map(Sized::of).toList());
    groups.add(linears.stream().flatMap(one -> one.bias().stream()).map(Sized::of).toList());
  }

  private static long block(ModelConfig config, ModelSetup setup, Arithmetic between, long blocks) {
    long columns = 0;
    long sums = 0;
    for (BlockMemory.Use use : BlockMemory.Use.values()) {
      if (use == BlockMemory.Use.LOG_SUMS) {
        sums = blocks * use.columns(config);
      } else if (use.isTaken(setup)) {
        columns += (use.isGradient() ? 1 : blocks) * use.columns(config);
      }
    }
    long fake = 0;
    if (setup.fakes() != Fakes.NONE) {
      long hidden = config.sizes().hidden();
      long inner = config.sizes().intermediate();
      long queries = config.heads().queryElements();
      columns += 2 * hidden + queries + inner;
      fake = blocks * hidden * (config.heads().rowElements() + queries + 3 * inner);
    }
    return between.bytes() * (columns * setup.tokens() + fake)
        + Float.BYTES * sums * setup.tokens()
        + float8(config, setup, blocks);
  }

  /** Codes of weights, inputs, and of the widest gradient of an output. */
  private static long float8(ModelConfig config, ModelSetup setup, long blocks) {
    if (setup.float8() == Float8.NONE) {
      return 0;
    }
    int hidden = config.sizes().hidden();
    int inner = config.sizes().intermediate();
    int queries = config.heads().queryElements();
    int heads = config.heads().rowElements();
    int tokens = setup.tokens();
    long weights =
        Float8Matrix.bytes(heads, hidden)
            + Float8Matrix.bytes(hidden, queries)
            + Float8Matrix.bytes(2 * inner, hidden)
            + Float8Matrix.bytes(hidden, inner);
    long inputs =
        2 * Float8Matrix.bytes(tokens, hidden)
            + Float8Matrix.bytes(tokens, queries)
            + Float8Matrix.bytes(tokens, inner);
    int widest = Math.max(Math.max(heads, hidden), 2 * inner);
    return blocks * weights + inputs + Float8Matrix.bytes(tokens, widest);
  }

  private static long head(ModelConfig config, ModelSetup setup) {
    long rows = Math.min(setup.headRows(), setup.tokens());
    long gradient = setup.hasGradients() ? config.sizes().hidden() : 0;
    return rows * config.sizes().vocabulary() + setup.tokens() * gradient;
  }
}
