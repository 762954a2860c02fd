package org.sparkao.gpu.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import java.util.zip.CRC32;
import org.sparkao.quant.safetensors.DType;

/**
 * A tiny model of {@code src/test/python/tiny_models.py}, which says how its weights are made, with
 * what transformers computes of it.
 */
final class TinyModel implements WeightLookup {
  static final List<String> ALL =
      List.of(
          "llama",
          "llama-biases",
          "llama-tied",
          "llama-linear",
          "llama-llama3",
          "llama-yarn",
          "llama-yarn-mscale",
          "mistral",
          "qwen2",
          "qwen3",
          "qwen3-biases",
          "mixtral",
          "qwen3-moe",
          "qwen3-moe-as-routed");

  private final JsonNode file;

  private TinyModel(JsonNode file) {
    this.file = file;
  }

  static TinyModel read(String name) {
    String resource = "/golden/models/" + name + ".json";
    try (InputStream in = TinyModel.class.getResourceAsStream(resource)) {
      return new TinyModel(new ObjectMapper().readTree(in));
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  JsonNode configJson() {
    return file.get("config").deepCopy();
  }

  ModelConfig config() {
    return ModelConfigs.parse(file.get("config"), "config.json");
  }

  LanguageModel open(ModelOperators operators, ModelSettings settings) {
    return LanguageModels.open(config(), this, operators, settings);
  }

  int[] ids() {
    return ints("ids");
  }

  int[] continuation() {
    return ints("continuation");
  }

  private int[] ints(String key) {
    return StreamSupport.stream(file.get(key).spliterator(), false)
        .mapToInt(JsonNode::intValue)
        .toArray();
  }

  /** Of the last positions, one after the other. */
  float[] logits() {
    byte[] bytes = HexFormat.of().parseHex(file.get("logits").asText());
    float[] values = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  @Override
  public LinearWeight linear(String module, int n, int k) {
    StoredTensor values = tensor(module + ".weight", List.of((long) n, (long) k));
    return new LinearWeight(module, n, k, new LinearWeight.Plain(values), Optional.empty());
  }

  @Override
  public StoredTensor tensor(String name, List<Long> shape) {
    List<Long> found =
        StreamSupport.stream(file.get("tensors").path(name).spliterator(), false)
            .map(JsonNode::longValue)
            .toList();
    if (!found.equals(shape)) {
      throw ModelErrors.shape("tiny", name, shape, found);
    }
    long count = shape.stream().reduce(1L, Math::multiplyExact);
    return new StoredTensor(name, DType.F32, shape, () -> values(name, (int) count));
  }

  @Override
  public boolean holds(String name) {
    return file.get("tensors").has(name);
  }

  private static ByteBuffer values(String name, int count) {
    CRC32 crc = new CRC32();
    crc.update(name.getBytes(StandardCharsets.US_ASCII));
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      int h = i + (int) crc.getValue();
      h ^= h >>> 16;
      h *= 0x85EBCA6B;
      h ^= h >>> 13;
      h *= 0xC2B2AE35;
      h ^= h >>> 16;
      float u = (h >>> 8) / (float) (1 << 24) - 0.5f;
      bytes.putFloat(name.endsWith("norm.weight") ? 1 + u * 0.5f : u);
    }
    return bytes.flip();
  }
}
