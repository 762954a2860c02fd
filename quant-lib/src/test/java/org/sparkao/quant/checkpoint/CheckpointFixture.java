package org.sparkao.quant.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * Writes small checkpoints for tests: tensors into shards, then the index when there is more than
 * one shard. {@code new CheckpointFixture(folder).shard("model.safetensors").bf16("a.weight", 4,
 * 8).write()}.
 */
public final class CheckpointFixture {
  private final Path folder;
  private final Map<String, Map<String, Tensor>> shards = new LinkedHashMap<>();
  private String shard = CheckpointNames.single(CheckpointNames.TRANSFORMERS);

  /** For a folder that exists. */
  public CheckpointFixture(Path folder) {
    this.folder = folder;
  }

  /** Tensors added from now on go to this file. */
  public CheckpointFixture shard(String fileName) {
    shard = fileName;
    return this;
  }

  /** Adds a tensor of given bytes. */
  public CheckpointFixture tensor(String name, DType dtype, List<Long> shape, byte[] bytes) {
    TensorSpec spec = new TensorSpec(name, dtype, shape);
    if (spec.bytes() != bytes.length) {
      throw new IllegalArgumentException(spec + " of " + bytes.length + " bytes");
    }
    shards.computeIfAbsent(shard, file -> new LinkedHashMap<>()).put(name, new Tensor(spec, bytes));
    return this;
  }

  /** Adds a BF16 tensor of normal values of deviation 0.02, seeded by its name. */
  public CheckpointFixture bf16(String name, long... shape) {
    List<Long> sizes = Arrays.stream(shape).boxed().toList();
    TensorSpec spec = new TensorSpec(name, DType.BF16, sizes);
    byte[] bytes = new byte[Math.toIntExact(spec.bytes())];
    Random random = new Random(name.hashCode());
    for (int i = 0; i < bytes.length; i += 2) {
      int bits = Float.floatToRawIntBits((float) (0.02 * random.nextGaussian()));
      bytes[i] = (byte) (bits >>> 16);
      bytes[i + 1] = (byte) (bits >>> 24);
    }
    return tensor(name, DType.BF16, sizes, bytes);
  }

  /** Writes a text file such as {@code config.json} beside the shards. */
  public CheckpointFixture file(String name, String content) {
    try {
      Files.writeString(folder.resolve(name), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /**
   * A Llama in small: {@code config.json}, embedding, norms, attention, MLP and head in BF16,
   * spread over {@code shardCount} shards. All sizes are multiples of 128; heads of 64.
   */
  public CheckpointFixture llama(int layers, int shardCount) {
    file(
        "config.json",
        """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16",
         "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": %d,
         "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 256,
         "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "tie_word_embeddings": false}
        """
            .formatted(layers));
    List<String> names = new ArrayList<>();
    Map<String, long[]> shapes = new HashMap<>();
    addTo(names, shapes, "model.embed_tokens.weight", 256, 128);
    for (int layer = 0; layer < layers; layer++) {
      String prefix = "model.layers." + layer + ".";
      addTo(names, shapes, prefix + "input_layernorm.weight", 128);
      for (String projection : List.of("q_proj", "k_proj", "v_proj", "o_proj")) {
        addTo(names, shapes, prefix + "self_attn." + projection + ".weight", 128, 128);
      }
      addTo(names, shapes, prefix + "post_attention_layernorm.weight", 128);
      addTo(names, shapes, prefix + "mlp.gate_proj.weight", 256, 128);
      addTo(names, shapes, prefix + "mlp.up_proj.weight", 256, 128);
      addTo(names, shapes, prefix + "mlp.down_proj.weight", 128, 256);
    }
    addTo(names, shapes, "model.norm.weight", 128);
    addTo(names, shapes, "lm_head.weight", 256, 128);
    for (int i = 0; i < names.size(); i++) {
      int number = 1 + i * shardCount / names.size();
      shard(
          shardCount == 1
              ? CheckpointNames.single(CheckpointNames.TRANSFORMERS)
              : "model-%05d-of-%05d.safetensors".formatted(number, shardCount));
      bf16(names.get(i), shapes.get(names.get(i)));
    }
    return this;
  }

  private static void addTo(
      List<String> names, Map<String, long[]> shapes, String name, long... shape) {
    names.add(name);
    shapes.put(name, shape);
  }

  /** Writes shards and, when there are several, the index; the folder. */
  public Path write() {
    try {
      Map<String, String> weightMap = new HashMap<>();
      long total = 0;
      for (Map.Entry<String, Map<String, Tensor>> entry : shards.entrySet()) {
        writeShard(entry.getKey(), entry.getValue());
        for (Tensor tensor : entry.getValue().values()) {
          weightMap.put(tensor.spec().name(), entry.getKey());
          total += tensor.bytes().length;
        }
      }
      if (shards.size() > 1) {
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        CheckpointIndexWriter.write(index, total, weightMap);
        file(
            CheckpointNames.index(CheckpointNames.TRANSFORMERS),
            index.toString(StandardCharsets.UTF_8));
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads a weight whole, {@code step} rows at a time, into one array. */
  public static byte[] readAll(
      CheckpointFiles files, WeightSource weight, int step, MessageDigest digest)
      throws IOException {
    long rowBytes = weight.dtype().bytes(weight.columns());
    byte[] all = new byte[Math.toIntExact(weight.rows() * rowBytes)];
    try (WeightReader reader = WeightReader.open(files, weight, digest)) {
      for (long row = 0; row < weight.rows(); row += step) {
        int rows = (int) Math.min(step, weight.rows() - row);
        reader.readRows(row, rows, all, (int) (row * rowBytes));
      }
    }
    return all;
  }

  private void writeShard(String fileName, Map<String, Tensor> tensors) throws IOException {
    List<TensorSpec> specs = tensors.values().stream().map(Tensor::spec).toList();
    Files.deleteIfExists(folder.resolve(fileName));
    try (FileSink sink = FileSink.create(folder.resolve(fileName))) {
      ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, ShardHeader.PYTORCH));
      for (Tensor tensor : tensors.values()) {
        writer.append(tensor.spec().name(), tensor.bytes(), 0, tensor.bytes().length);
      }
      writer.finish();
    }
  }

  private record Tensor(TensorSpec spec, byte[] bytes) {}
}
