package org.sparkao.gpu.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelConfig.Trait;
import org.sparkao.gpu.model.RopeConfig;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.quant.safetensors.DType;

/** A small model of random weights, also as its definition says, in fp64. */
final class RandomModel implements WeightLookup {
  private static final double BASE = 100;
  private static final float EPSILON = 1e-3f;

  private final ModelConfig config;
  private final Map<String, float[]> tensors = new LinkedHashMap<>();
  private final Random random;

  /**
   * A model.
   *
   * @param step sizes are multiples of it
   */
  RandomModel(Set<Trait> traits, int step, long seed) {
    HeadShape heads = new HeadShape(4, 2, step);
    this.config =
        new ModelConfig(
            "LlamaForCausalLM",
            new ModelConfig.Sizes(19, 2 * step, 3 * step, 2, 64),
            heads,
            new RopeConfig(BASE, new RopeConfig.Unscaled()),
            EPSILON,
            new ModelConfig.Traits(
                traits.isEmpty() ? EnumSet.noneOf(Trait.class) : EnumSet.copyOf(traits)),
            Optional.empty());
    this.random = new Random(seed);
  }

  ModelConfig config() {
    return config;
  }

  @Override
  public LinearWeight linear(String module, int n, int k) {
    StoredTensor values = tensor(module + ".weight", List.of((long) n, (long) k));
    return new LinearWeight(module, n, k, new LinearWeight.Plain(values), Optional.empty());
  }

  /** Every name and shape that is asked for is there. */
  @Override
  public StoredTensor tensor(String name, List<Long> shape) {
    int count = (int) (long) shape.stream().reduce(1L, Math::multiplyExact);
    float[] values = tensors.computeIfAbsent(name, key -> numbers(key, count));
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return new StoredTensor(name, DType.F32, shape, bytes::duplicate);
  }

  private float[] numbers(String name, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (0.5 * random.nextGaussian()) + (name.endsWith("norm.weight") ? 1 : 0);
    }
    return values;
  }

  @Override
  public boolean holds(String name) {
    return name.endsWith(".bias") && tensors.containsKey(name);
  }

  /** The weights, by name. */
  Map<String, double[]> weights() {
    Map<String, double[]> all = new LinkedHashMap<>();
    tensors.forEach((name, values) -> all.put(name, InDoubles.of(values)));
    return all;
  }

  /** Logits of a batch by weights of these names. */
  double[] logits(Map<String, double[]> weights, TokenBatch batch) {
    int hidden = config.sizes().hidden();
    double[] table = weights.get("model.embed_tokens.weight");
    List<double[]> outputs = outputs(weights, batch);
    double[] last = outputs.get(outputs.size() - 1);
    double[] normed = InDoubles.norm(last, weights.get("model.norm.weight"), EPSILON);
    boolean tied = config.traits().has(Trait.TIED_EMBEDDINGS);
    return InDoubles.product(normed, tied ? table : weights.get("lm_head.weight"), null, hidden);
  }

  /** The output of every block. */
  List<double[]> outputs(Map<String, double[]> weights, TokenBatch batch) {
    double[] table = weights.get("model.embed_tokens.weight");
    double[] x = InDoubles.embed(table, batch.ids(), config.sizes().hidden());
    List<double[]> outputs = new ArrayList<>();
    for (int i = 0; i < config.sizes().layers(); i++) {
      x = block(weights, "model.layers." + i, x, batch);
      outputs.add(x);
    }
    return outputs;
  }

  /** The output of a block. */
  double[] block(Map<String, double[]> weights, String name, double[] x, TokenBatch batch) {
    Layer layer = new Layer(weights, name, config.sizes().hidden());
    HeadShape shape = config.heads();
    double[] normed = layer.norm(x, ".input_layernorm");
    double[] raw =
        layer.beside(
            layer.linear(normed, ".self_attn.q_proj"),
            layer.linear(normed, ".self_attn.k_proj"),
            layer.linear(normed, ".self_attn.v_proj"),
            batch.tokens());
    InDoubles.Norms norms =
        config.traits().has(Trait.HEAD_NORMS)
            ? new InDoubles.Norms(
                layer.get(".self_attn.q_norm.weight"),
                layer.get(".self_attn.k_norm.weight"),
                EPSILON)
            : null;
    double[] qkv = InDoubles.heads(raw, shape, norms, BASE, batch.positions());
    double[] attended = InDoubles.attend(qkv, shape, batch.boundaries());
    double[] middle = InDoubles.sum(x, layer.linear(attended, ".self_attn.o_proj"));
    double[] second = layer.norm(middle, ".post_attention_layernorm");
    double[] gateUp =
        layer.beside(
            layer.linear(second, ".mlp.gate_proj"),
            layer.linear(second, ".mlp.up_proj"),
            new double[0],
            batch.tokens());
    double[] inner = InDoubles.gate(gateUp, config.sizes().intermediate());
    return InDoubles.sum(middle, layer.linear(inner, ".mlp.down_proj"));
  }

  private record Layer(Map<String, double[]> weights, String name, int hidden) {
    double[] get(String part) {
      return weights.get(name + part);
    }

    double[] norm(double[] x, String part) {
      return InDoubles.norm(x, get(part + ".weight"), EPSILON);
    }

    double[] linear(double[] x, String part) {
      double[] w = get(part + ".weight");
      boolean wide = part.endsWith("o_proj") || part.endsWith("down_proj");
      return InDoubles.product(x, w, get(part + ".bias"), wide ? w.length / hidden : hidden);
    }

    /** Rows of three matrices beside each other. */
    double[] beside(double[] a, double[] b, double[] c, int rows) {
      double[] all = new double[a.length + b.length + c.length];
      int at = 0;
      for (int row = 0; row < rows; row++) {
        for (double[] part : List.of(a, b, c)) {
          int columns = part.length / rows;
          System.arraycopy(part, row * columns, all, at, columns);
          at += columns;
        }
      }
      return all;
    }
  }
}
