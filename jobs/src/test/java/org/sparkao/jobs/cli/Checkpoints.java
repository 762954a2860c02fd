package org.sparkao.jobs.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorSpec;

/** Makes checkpoints of random weights. */
final class Checkpoints {
  private Checkpoints() {}

  /** Names and shapes of a Llama. */
  static Map<String, List<Long>> llama(int layers, long hidden, long inner) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    shapes.put("lm_head.weight", List.of(64L, hidden));
    shapes.put("model.embed_tokens.weight", List.of(64L, hidden));
    for (int i = 0; i < layers; i++) {
      String layer = "model.layers." + i + ".";
      shapes.put(layer + "input_layernorm.weight", List.of(hidden));
      shapes.put(layer + "mlp.down_proj.weight", List.of(hidden, inner));
      shapes.put(layer + "mlp.gate_proj.weight", List.of(inner, hidden));
      shapes.put(layer + "mlp.up_proj.weight", List.of(inner, hidden));
      for (String part : List.of("k", "o", "q", "v")) {
        shapes.put(layer + "self_attn." + part + "_proj.weight", List.of(hidden, hidden));
      }
    }
    shapes.put("model.norm.weight", List.of(hidden));
    return shapes;
  }

  /** Writes a folder with one file of bf16 weights and a config. */
  static Path write(Path folder, Map<String, List<Long>> shapes) throws IOException {
    Files.createDirectories(folder);
    writeFile(folder.resolve("model.safetensors"), shapes, 1);
    Files.writeString(
        folder.resolve("config.json"),
        "{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 128,"
            + " \"model_type\": \"llama\", \"rms_norm_eps\": 1e-06,"
            + " \"tie_word_embeddings\": false}",
        StandardCharsets.UTF_8);
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    return folder;
  }

  /** Writes one file of bf16 weights between -1 and 1. */
  static void writeFile(Path file, Map<String, List<Long>> shapes, long seed) throws IOException {
    Random random = new Random(seed);
    List<TensorSpec> specs =
        shapes.entrySet().stream()
            .map(entry -> new TensorSpec(entry.getKey(), DType.BF16, entry.getValue()))
            .toList();
    try (FileSink sink = FileSink.create(file)) {
      ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, ShardHeader.PYTORCH));
      for (TensorSpec spec : specs) {
        byte[] bytes = new byte[Math.toIntExact(spec.bytes())];
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
          float value = random.nextFloat() * 2 - 1;
          buffer.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
        }
        writer.append(spec.name(), bytes, 0, bytes.length);
      }
      writer.finish();
    }
  }

  /** Makes one weight of a tensor a NaN. */
  static void setToNan(Path folder, String tensor) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(LocalFiles.of(folder));
    long begin = checkpoint.tensor(tensor).orElseThrow().entry().begin();
    try (FileChannel file =
        FileChannel.open(folder.resolve("model.safetensors"), StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(new byte[] {(byte) 0xc0, 0x7f}), begin);
    }
  }
}
