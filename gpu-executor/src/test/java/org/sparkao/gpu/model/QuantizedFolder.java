package org.sparkao.gpu.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorSpec;

/** A checkpoint written down byte by byte. */
final class QuantizedFolder {
  private final Path folder;
  private final Map<TensorSpec, byte[]> tensors = new LinkedHashMap<>();

  QuantizedFolder(Path folder) {
    this.folder = folder;
  }

  /** Adds a tensor; zeros follow the bytes that are given. */
  QuantizedFolder tensor(String name, DType dtype, List<Long> shape, int... bytes) {
    TensorSpec spec = new TensorSpec(name, dtype, shape);
    byte[] content = new byte[Math.toIntExact(spec.bytes())];
    for (int i = 0; i < bytes.length; i++) {
      content[i] = (byte) bytes[i];
    }
    tensors.put(spec, content);
    return this;
  }

  /** Writes the folder and looks up its weights. */
  WeightLookup weights(String config) throws IOException {
    Files.writeString(folder.resolve("config.json"), config);
    Path file = folder.resolve("model.safetensors");
    Files.deleteIfExists(file);
    try (FileSink sink = FileSink.create(file)) {
      ShardWriter writer =
          new ShardWriter(sink, ShardHeader.of(List.copyOf(tensors.keySet()), Map.of()));
      for (Map.Entry<TensorSpec, byte[]> tensor : tensors.entrySet()) {
        writer.append(tensor.getKey().name(), tensor.getValue(), 0, tensor.getValue().length);
      }
      writer.finish();
    }
    LocalFiles files = LocalFiles.of(folder);
    return WeightLookups.of(Checkpoint.open(files), files);
  }

  /** A {@code config.json} of compressed-tensors with one group. */
  static String config(String format, String weights, String ignore) {
    return """
    {"quantization_config": {"quant_method": "compressed-tensors", "format": "%s",
     "quantization_status": "compressed", "ignore": [%s],
     "config_groups": {"group_0": {"targets": ["Linear"], "input_activations": null,
      "output_activations": null, "weights": {%s}}}}}
    """
        .formatted(format, ignore, weights);
  }
}
