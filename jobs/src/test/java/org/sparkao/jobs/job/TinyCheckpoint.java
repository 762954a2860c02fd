package org.sparkao.jobs.job;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/** A Llama of one layer: hidden size 128, one head, random bf16 weights from a fixed seed. */
public final class TinyCheckpoint {
  private static final long SIZE = 128;
  private static final List<TensorSpec> TENSORS =
      List.of(
          matrix("model.embed_tokens.weight"),
          matrix("model.layers.0.self_attn.q_proj.weight"),
          matrix("model.layers.0.self_attn.k_proj.weight"),
          matrix("model.layers.0.self_attn.v_proj.weight"),
          matrix("model.layers.0.self_attn.o_proj.weight"),
          matrix("model.layers.0.mlp.gate_proj.weight"),
          matrix("model.layers.0.mlp.up_proj.weight"),
          matrix("model.layers.0.mlp.down_proj.weight"),
          new TensorSpec("model.norm.weight", DType.BF16, List.of(SIZE)),
          matrix("lm_head.weight"));

  private TinyCheckpoint() {}

  private static TensorSpec matrix(String name) {
    return new TensorSpec(name, DType.BF16, List.of(SIZE, SIZE));
  }

  /** Writes it into a folder, which is made. */
  public static void copyTo(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve("config.json"),
        "{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 128,"
            + " \"num_attention_heads\": 1, \"num_key_value_heads\": 1,"
            + " \"num_hidden_layers\": 1, \"torch_dtype\": \"bfloat16\","
            + " \"tie_word_embeddings\": false}");
    ShardHeader header = ShardHeader.of(TENSORS, Map.of("format", "pt"));
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(header.bytes());
    Random random = new Random(7);
    for (TensorEntry entry : header.entries()) {
      ByteBuffer weights = ByteBuffer.allocate((int) entry.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      while (weights.hasRemaining()) {
        int bits = Float.floatToIntBits((float) (random.nextGaussian() * 0.05));
        weights.putShort((short) (bits >>> 16));
      }
      file.writeBytes(weights.array());
    }
    Files.write(folder.resolve("model.safetensors"), file.toByteArray());
  }
}
