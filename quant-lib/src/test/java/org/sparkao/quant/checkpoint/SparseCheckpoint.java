package org.sparkao.quant.checkpoint;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * A large mixture-of-experts checkpoint whose headers, index and sizes are real and whose weights
 * are holes in the files: for planning at full size on a small disk.
 *
 * @param shards files
 * @param layers of the model
 * @param experts of each layer, three weights each
 * @param hidden hidden size; experts have half as many features inside
 */
public record SparseCheckpoint(int shards, int layers, int experts, int hidden) {

  /** 1.5 TB in 700 shards and 90,222 tensors. */
  public static SparseCheckpoint large() {
    return new SparseCheckpoint(700, 61, 490, 4096);
  }

  /** Writes it; takes as long as 700 small files take. */
  public Path write(Path folder) throws IOException {
    List<TensorSpec> tensors = tensors();
    Map<String, String> weightMap = new HashMap<>();
    long total = 0;
    for (int shard = 0; shard < shards; shard++) {
      String name = "model-%05d-of-%05d.safetensors".formatted(shard + 1, shards);
      int begin = (int) ((long) shard * tensors.size() / shards);
      int end = (int) ((long) (shard + 1) * tensors.size() / shards);
      ShardHeader header = ShardHeader.of(tensors.subList(begin, end), ShardHeader.PYTORCH);
      try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
        file.write(header.bytes());
        file.setLength(header.fileBytes());
      }
      for (TensorEntry entry : header.entries()) {
        weightMap.put(entry.name(), name);
        total += entry.bytes();
      }
    }
    Path index = folder.resolve(CheckpointIndexWriter.FILE_NAME);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(index))) {
      CheckpointIndexWriter.write(out, total, weightMap);
    }
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe",
         "torch_dtype": "bfloat16", "hidden_size": %d, "moe_intermediate_size": %d,
         "num_hidden_layers": %d, "num_experts": %d, "num_attention_heads": 32,
         "num_key_value_heads": 4, "head_dim": 128, "vocab_size": 151936,
         "tie_word_embeddings": false}
        """
            .formatted(hidden, hidden / 2, layers, experts));
    return folder;
  }

  private List<TensorSpec> tensors() {
    List<TensorSpec> tensors = new ArrayList<>();
    add(tensors, "model.embed_tokens.weight", 151936, hidden);
    for (int layer = 0; layer < layers; layer++) {
      String prefix = "model.layers." + layer + ".";
      add(tensors, prefix + "input_layernorm.weight", hidden);
      add(tensors, prefix + "post_attention_layernorm.weight", hidden);
      add(tensors, prefix + "self_attn.q_proj.weight", 4096, hidden);
      add(tensors, prefix + "self_attn.k_proj.weight", 512, hidden);
      add(tensors, prefix + "self_attn.v_proj.weight", 512, hidden);
      add(tensors, prefix + "self_attn.o_proj.weight", hidden, 4096);
      add(tensors, prefix + "self_attn.q_norm.weight", 128);
      add(tensors, prefix + "self_attn.k_norm.weight", 128);
      add(tensors, prefix + "mlp.gate.weight", experts, hidden);
      for (int expert = 0; expert < experts; expert++) {
        String name = prefix + "mlp.experts." + expert + ".";
        add(tensors, name + "gate_proj.weight", hidden / 2, hidden);
        add(tensors, name + "up_proj.weight", hidden / 2, hidden);
        add(tensors, name + "down_proj.weight", hidden, hidden / 2);
      }
    }
    add(tensors, "model.norm.weight", hidden);
    add(tensors, "lm_head.weight", 151936, hidden);
    return tensors;
  }

  private static void add(List<TensorSpec> tensors, String name, long... shape) {
    tensors.add(new TensorSpec(name, DType.BF16, Arrays.stream(shape).boxed().toList()));
  }
}
