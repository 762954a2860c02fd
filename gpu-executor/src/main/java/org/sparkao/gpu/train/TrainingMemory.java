package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkao.gpu.fake.Fakes;
import org.sparkao.gpu.model.LayerWeights;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelWeights;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.optimizer.StateFormat;

/**
 * Bytes that training a model takes of a device that keeps everything in fp32, known before a
 * weight is read. Learned scales and what lies behind the last row of a tensor are not counted.
 *
 * @param weights values of all
 * @param gradients of those that are trained
 * @param moments of the optimizer
 * @param states inputs of all blocks for the most tokens of a batch
 * @param block what a block computes in, with fake weights
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
   * @param states what moments are stored as
   */
  public static TrainingMemory of(
      ModelConfig config, WeightLookup lookup, ModelSetup setup, StateFormat states) {
    TrainErrors.requireDense(config);
    Parameters all = Parameters.of(elements(ModelWeights.of(config, lookup)), setup, states);
    long hidden = (long) setup.tokens() * config.sizes().hidden();
    int kept = setup.hasGradients() ? config.sizes().layers() + 1 : 2;
    return new TrainingMemory(
        Float.BYTES * all.elements(),
        Float.BYTES * all.trained(),
        all.moments(),
        Float.BYTES * (kept + 1) * hidden,
        Float.BYTES * block(config, setup),
        Float.BYTES * head(config, setup));
  }

  /** Of the first block by itself, as {@link SingleBlock} and {@link BlockTask} take it. */
  public static TrainingMemory ofBlock(
      ModelConfig config, WeightLookup lookup, ModelSetup setup, StateFormat states) {
    TrainErrors.requireDense(config);
    List<LayerWeights> first = ModelWeights.of(config, lookup).layers().subList(0, 1);
    Map<String, Long> elements = elements(new ArrayList<>(), new ArrayList<>(), first);
    Parameters all = Parameters.of(elements, setup, states);
    long hidden = (long) setup.tokens() * config.sizes().hidden();
    return new TrainingMemory(
        Float.BYTES * all.elements(),
        Float.BYTES * all.trained(),
        all.moments(),
        Float.BYTES * 3 * hidden,
        Float.BYTES * block(config, setup),
        (long) Float.BYTES * setup.tokens());
  }

  /** Numbers of elements, and bytes of moments. */
  private record Parameters(long elements, long trained, long moments) {
    static Parameters of(Map<String, Long> elements, ModelSetup setup, StateFormat states) {
      long all = 0;
      long trained = 0;
      long moments = 0;
      for (Map.Entry<String, Long> tensor : elements.entrySet()) {
        all += tensor.getValue();
        if (setup.trains(tensor.getKey())) {
          trained += tensor.getValue();
          moments += states.stateBytes(tensor.getValue());
        }
      }
      return new Parameters(all, trained, moments);
    }
  }

  private static Map<String, Long> elements(ModelWeights weights) {
    List<StoredTensor> plain = new ArrayList<>(List.of(weights.embedding(), weights.norm()));
    List<LinearWeight> linears = new ArrayList<>();
    weights.head().ifPresent(linears::add);
    return elements(plain, linears, weights.layers());
  }

  private static Map<String, Long> elements(
      List<StoredTensor> plain, List<LinearWeight> linears, List<LayerWeights> layers) {
    for (LayerWeights layer : layers) {
      plain.add(layer.inputNorm());
      plain.add(layer.feedForwardNorm());
      layer.headNorms().ifPresent(norms -> plain.addAll(List.of(norms.query(), norms.key())));
      layer.linears().forEach(linears::add);
    }
    Map<String, Long> all = new TreeMap<>();
    for (LinearWeight linear : linears) {
      all.put(linear.name() + ".weight", (long) linear.n() * linear.k());
      linear.bias().ifPresent(plain::add);
    }
    for (StoredTensor tensor : plain) {
      all.put(tensor.name(), tensor.shape().stream().reduce(1L, Math::multiplyExact));
    }
    return all;
  }

  private static long block(ModelConfig config, ModelSetup setup) {
    long columns = 0;
    for (BlockMemory.Use use : BlockMemory.Use.values()) {
      columns += use.isTaken(setup) ? use.columns(config) : 0;
    }
    long fake = 0;
    if (setup.fakes() != Fakes.NONE) {
      long hidden = config.sizes().hidden();
      long inner = config.sizes().intermediate();
      long queries = config.heads().queryElements();
      columns += 2 * hidden + queries + inner;
      fake = hidden * (config.heads().rowElements() + queries + 3 * inner);
    }
    return columns * setup.tokens() + fake;
  }

  private static long head(ModelConfig config, ModelSetup setup) {
    long rows = Math.min(setup.headRows(), setup.tokens());
    long gradient = setup.hasGradients() ? config.sizes().hidden() : 0;
    return rows * config.sizes().vocabulary() + setup.tokens() * (1 + gradient);
  }
}
