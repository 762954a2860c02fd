package org.sparkao.jobs.peers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * Writes every quantized weight of a checkpoint folder, dequantized, into one safetensors file:
 * {@code DequantizeCheckpoint CHECKPOINT OUTPUT.safetensors}.
 */
final class DequantizeCheckpoint {
  private static final List<String> SUFFIXES =
      List.of(
          "weight",
          "weight_packed",
          "weight_shape",
          "weight_scale",
          "weight_scale_inv",
          "weight_global_scale",
          "weight_zero_point");

  private final CheckpointFiles files;
  private final Checkpoint checkpoint;
  private final JsonNode config;

  private DequantizeCheckpoint(CheckpointFiles files) throws IOException {
    this.files = files;
    this.checkpoint = Checkpoint.open(files);
    this.config = checkpoint.config().orElseThrow();
  }

  /** Command line. */
  public static void main(String[] args) throws IOException {
    if (args.length != 2) {
      throw new IllegalArgumentException("arguments: CHECKPOINT OUTPUT.safetensors");
    }
    new DequantizeCheckpoint(LocalFiles.of(Path.of(args[0]))).write(Path.of(args[1]));
  }

  private void write(Path output) throws IOException {
    Map<String, StoredWeight> weights = new TreeMap<>();
    for (CheckpointTensor tensor : checkpoint.tensors()) {
      String name = tensor.entry().name();
      if (name.endsWith(".weight_scale") || name.endsWith(".weight_scale_inv")) {
        String module = name.substring(0, name.lastIndexOf('.'));
        weights.put(module + ".weight", read(module));
      }
    }
    List<TensorSpec> specs =
        weights.entrySet().stream()
            .map(e -> new TensorSpec(e.getKey(), dtype(e.getValue()), e.getValue().shape()))
            .toList();
    try (FileSink sink = FileSink.create(output)) {
      ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, ShardHeader.PYTORCH));
      for (Map.Entry<String, StoredWeight> weight : weights.entrySet()) {
        byte[] bytes = weight.getValue().decode();
        writer.append(weight.getKey(), bytes, 0, bytes.length);
      }
      writer.finish();
    }
  }

  private static DType dtype(StoredWeight weight) {
    return DType.valueOf(weight.type().name());
  }

  private StoredWeight read(String module) throws IOException {
    Map<String, StoredWeight.Part> parts = new HashMap<>();
    for (String suffix : SUFFIXES) {
      var tensor = checkpoint.tensor(module + "." + suffix);
      if (tensor.isPresent()) {
        parts.put(suffix, read(tensor.get()));
      }
    }
    WeightType modelType =
        switch (config.path("torch_dtype").asText(config.path("dtype").asText())) {
          case "float16" -> WeightType.F16;
          case "float32" -> WeightType.F32;
          default -> WeightType.BF16;
        };
    return new StoredWeight(parts, args(module), modelType);
  }

  private StoredWeight.Part read(CheckpointTensor tensor) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(tensor.entry().bytes())];
    try (ByteSource source = files.open(tensor.file())) {
      source.readFully(tensor.entry().begin(), bytes, 0, bytes.length);
    }
    return new StoredWeight.Part(tensor.entry().dtype(), tensor.entry().shape(), bytes);
  }

  /** The weight arguments of the first config group that targets a module. */
  private JsonNode args(String module) {
    JsonNode quantization = config.path("quantization_config");
    if (quantization.has("weight_block_size")) {
      return JsonNodeFactory.instance
          .objectNode()
          .set("block_structure", quantization.get("weight_block_size"));
    }
    for (JsonNode group : quantization.path("config_groups")) {
      for (JsonNode target : group.path("targets")) {
        if (targets(target.asText(), module)) {
          return group.path("weights");
        }
      }
    }
    throw new IllegalArgumentException(module + ": no config group targets it");
  }

  private static boolean targets(String target, String module) {
    return target.startsWith("re:")
        ? Pattern.compile(target.substring(3)).matcher(module).lookingAt()
        : target.equals("Linear") || target.equals(module);
  }
}
