package org.sparkao.gpu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparkao.quant.safetensors.DType;

/** A tiny model's family with sizes that the kernels for bf16 take, and random bf16 weights. */
final class WideModel implements WeightLookup {
  private static final int WIDTH = 256;

  private final TinyModel tiny;
  private final ModelConfig config;

  WideModel(String name) {
    this.tiny = TinyModel.read(name);
    ObjectNode json = (ObjectNode) tiny.configJson();
    json.put("hidden_size", WIDTH).put("intermediate_size", 320);
    json.put("num_attention_heads", 4).put("num_key_value_heads", 2).put("head_dim", 64);
    if (json.has("moe_intermediate_size")) {
      json.put("moe_intermediate_size", 128);
    }
    this.config = ModelConfigs.parse(json, "config.json");
  }

  ModelConfig config() {
    return config;
  }

  LanguageModel open(ModelOperators operators, ModelSettings settings) {
    return LanguageModels.open(config, this, operators, settings);
  }

  @Override
  public LinearWeight linear(String module, int n, int k) {
    StoredTensor values = tensor(module + ".weight", List.of((long) n, (long) k));
    return new LinearWeight(module, n, k, new LinearWeight.Plain(values), Optional.empty());
  }

  /** Matrices keep the size of what they are multiplied with; norms are near 1. */
  @Override
  public StoredTensor tensor(String name, List<Long> shape) {
    boolean norm = name.endsWith("norm.weight");
    double size =
        norm ? 0.1 : 1 / Math.sqrt(name.contains("embed") ? 1 : shape.get(shape.size() - 1));
    int count = Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact));
    return new StoredTensor(
        name,
        DType.BF16,
        shape,
        () -> {
          Random random = new Random(name.hashCode());
          ByteBuffer bytes =
              ByteBuffer.allocate(Short.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
          for (int i = 0; i < count; i++) {
            float value = (float) (size * random.nextGaussian() + (norm ? 1 : 0));
            bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
          }
          return bytes.flip();
        });
  }

  @Override
  public boolean holds(String name) {
    return tiny.holds(name);
  }
}
