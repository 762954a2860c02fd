package org.sparkao.jobs.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
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
    Map<String, Stored> tensors = new LinkedHashMap<>();
    shapes.forEach(
        (name, shape) -> {
          long elements = shape.stream().reduce(1L, Math::multiplyExact);
          tensors.put(name, Stored.random(random, shape, Math.toIntExact(elements)));
        });
    writeTensors(file, tensors);
  }

  /** A tensor with its bytes. */
  record Stored(DType dtype, List<Long> shape, byte[] bytes) {
    /** Weights of bf16. */
    static Stored bf16(List<Long> shape, float[] weights) {
      ByteBuffer bytes = ByteBuffer.allocate(2 * weights.length).order(ByteOrder.LITTLE_ENDIAN);
      for (float weight : weights) {
        bytes.putShort((short) (Float.floatToRawIntBits(weight) >>> 16));
      }
      return new Stored(DType.BF16, shape, bytes.array());
    }

    /** Weights of bf16 between -1 and 1. */
    static Stored random(Random random, List<Long> shape, int elements) {
      float[] weights = new float[elements];
      for (int i = 0; i < elements; i++) {
        weights[i] = random.nextFloat() * 2 - 1;
      }
      return bf16(shape, weights);
    }
  }

  /** Writes one file. */
  static void writeTensors(Path file, Map<String, Stored> tensors) throws IOException {
    List<TensorSpec> specs =
        tensors.entrySet().stream()
            .map(
                entry ->
                    new TensorSpec(
                        entry.getKey(), entry.getValue().dtype(), entry.getValue().shape()))
            .toList();
    try (FileSink sink = FileSink.create(file)) {
      ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, ShardHeader.PYTORCH));
      for (TensorSpec spec : specs) {
        byte[] bytes = tensors.get(spec.name()).bytes();
        writer.append(spec.name(), bytes, 0, bytes.length);
      }
      writer.finish();
    }
  }

  /** The tensors of all files of a folder. */
  static Map<String, Stored> read(Path folder) throws IOException {
    Map<String, Stored> tensors = new TreeMap<>();
    for (CheckpointTensor tensor : Checkpoint.open(LocalFiles.of(folder)).tensors()) {
      TensorEntry entry = tensor.entry();
      byte[] file = Files.readAllBytes(folder.resolve(tensor.file()));
      byte[] bytes = Arrays.copyOfRange(file, (int) entry.begin(), (int) entry.end());
      tensors.put(entry.name(), new Stored(entry.dtype(), entry.shape(), bytes));
    }
    return tensors;
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
