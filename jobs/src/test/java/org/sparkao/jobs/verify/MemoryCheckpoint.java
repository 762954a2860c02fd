package org.sparkao.jobs.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.quant.config.ConfigReader;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.safetensors.DType;

/** A checkpoint written down in a test. Tensors are zeros unless bytes are given. */
final class MemoryCheckpoint implements CheckpointContents {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, StoredTensor> tensors = new TreeMap<>();
  private final Map<String, byte[]> bytes = new TreeMap<>();
  private final Map<String, String> metadata = new TreeMap<>();
  private JsonNode config = MissingNode.getInstance();
  private Optional<IndexMetadata> index = Optional.empty();

  /** The usual W4A16 configuration with another group, ignore list and extra top-level keys. */
  static String packed(String weights, String ignore) {
    return """
    {"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized",
     "quantization_status": "compressed", "ignore": [%s], "kv_cache_scheme": null,
     "config_groups": {"group_0": {"targets": ["Linear"], "input_activations": null,
      "output_activations": null, "weights": {%s}}}}}
    """
        .formatted(ignore, weights);
  }

  static final String INT4_GROUP128 =
      "\"num_bits\": 4, \"type\": \"int\", \"symmetric\": true, \"strategy\": \"group\","
          + " \"group_size\": 128, \"dynamic\": false";

  MemoryCheckpoint config(String json) {
    config = parse(json);
    return this;
  }

  MemoryCheckpoint index(String json) {
    try {
      InputStream text = new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8));
      index = Optional.of(IndexMetadata.read(text));
    } catch (IOException e) {
      throw new IllegalArgumentException(json, e);
    }
    return this;
  }

  MemoryCheckpoint tensor(String name, DType dtype, long... shape) {
    return tensorIn("model.safetensors", name, dtype, shape);
  }

  MemoryCheckpoint tensorIn(String file, String name, DType dtype, long... shape) {
    StoredTensor tensor =
        new StoredTensor(name, dtype, Arrays.stream(shape).boxed().toList(), file);
    tensors.put(name, tensor);
    bytes.put(name, new byte[Math.toIntExact(tensor.bytes())]);
    return this;
  }

  MemoryCheckpoint floats(String name, float... values) {
    tensor(name, DType.F32, values.length);
    ByteBuffer buffer = ByteBuffer.wrap(bytes.get(name)).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      buffer.putFloat(value);
    }
    return this;
  }

  MemoryCheckpoint longs(String name, long... values) {
    tensor(name, DType.I64, values.length);
    ByteBuffer buffer = ByteBuffer.wrap(bytes.get(name)).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      buffer.putLong(value);
    }
    return this;
  }

  MemoryCheckpoint fill(String name, byte... pattern) {
    byte[] target = bytes.get(name);
    for (int i = 0; i < target.length; i++) {
      target[i] = pattern[i % pattern.length];
    }
    return this;
  }

  /** A symmetric int4 weight [n, k] in groups of 128, scales 1.0. */
  MemoryCheckpoint int4(String module, long n, long k) {
    return tensor(module + ".weight_packed", DType.I32, n, k / 8)
        .tensor(module + ".weight_scale", DType.BF16, n, k / 128)
        .fill(module + ".weight_scale", (byte) 0x80, (byte) 0x3F)
        .longs(module + ".weight_shape", n, k);
  }

  List<Finding> check(Rule rule) {
    try {
      CheckpointView view =
          new CheckpointView(this, ConfigReader.read(config).config(), ModuleTensors.of(tensors()));
      return rule.check(view);
    } catch (IOException e) {
      throw new AssertionError("memory does not fail", e);
    }
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  MemoryCheckpoint describe(String key, String text) {
    metadata.put(key, text);
    return this;
  }

  @Override
  public String location() {
    return "memory";
  }

  @Override
  public JsonNode config() {
    return config;
  }

  @Override
  public Optional<IndexMetadata> index() {
    return index;
  }

  @Override
  public List<StoredTensor> tensors() {
    return List.copyOf(tensors.values());
  }

  @Override
  public byte[] read(StoredTensor tensor, long begin, int length) {
    int from = Math.toIntExact(begin);
    return Arrays.copyOfRange(bytes.get(tensor.name()), from, from + length);
  }

  static JsonNode parse(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }
}
