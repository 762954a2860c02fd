package org.sparkao.jobs.calibrate;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.Table;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/** Models, text and runs of tests of {@code calibrate}. */
final class CalibrateFixture {
  /** Layers of the mixture. */
  static final int LAYERS = 2;

  /** Experts of the mixture, of which a token has two. */
  static final int EXPERTS = 4;

  private CalibrateFixture() {}

  /** Text of the sample in one file. */
  static Path text(Path folder) throws IOException {
    return Files.writeString(
        folder.resolve("text.txt"), String.join("\n", BundledSample.heldOutText()));
  }

  /**
   * A Mixtral of random weights with the sample's tokenizer. The router's row of its last expert is
   * the negative of the sum of the first two, so that it is seldom chosen.
   */
  static Path mixture(Path folder) throws IOException {
    Path sample = BundledSample.copyCheckpointTo(folder.resolve("sample"));
    Path model = Files.createDirectories(folder.resolve("mixture"));
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.copy(sample.resolve(name), model.resolve(name));
    }
    Files.writeString(
        model.resolve("config.json"),
        """
        {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_size": 32,
         "intermediate_size": 48, "num_hidden_layers": %d, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 1536, "rms_norm_eps": 1e-05,
         "rope_theta": 10000.0, "max_position_embeddings": 256, "tie_word_embeddings": true,
         "num_local_experts": %d, "num_experts_per_tok": 2, "hidden_act": "silu"}
        """
            .formatted(LAYERS, EXPERTS));
    Map<TensorSpec, byte[]> fixture = new HashMap<>();
    random(fixture, "model.embed_tokens.weight", 1536, 32);
    ones(fixture, "model.norm.weight", 32);
    for (int layer = 0; layer < LAYERS; layer++) {
      String name = "model.layers." + layer + ".";
      ones(fixture, name + "input_layernorm.weight", 32);
      ones(fixture, name + "post_attention_layernorm.weight", 32);
      random(fixture, name + "self_attn.q_proj.weight", 32, 32);
      random(fixture, name + "self_attn.k_proj.weight", 16, 32);
      random(fixture, name + "self_attn.v_proj.weight", 16, 32);
      random(fixture, name + "self_attn.o_proj.weight", 32, 32);
      String mixture = name + "block_sparse_moe.";
      fixture.put(
          new TensorSpec(mixture + "gate.weight", DType.F32, List.of((long) EXPERTS, 32L)),
          router());
      for (int expert = 0; expert < EXPERTS; expert++) {
        random(fixture, mixture + "experts." + expert + ".w1.weight", 48, 32);
        random(fixture, mixture + "experts." + expert + ".w3.weight", 48, 32);
        random(fixture, mixture + "experts." + expert + ".w2.weight", 32, 48);
      }
    }
    ShardHeader header = ShardHeader.of(List.copyOf(fixture.keySet()), ShardHeader.PYTORCH);
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(header.bytes());
    for (TensorEntry entry : header.entries()) {
      file.writeBytes(fixture.get(new TensorSpec(entry.name(), entry.dtype(), entry.shape())));
    }
    Files.write(model.resolve("model.safetensors"), file.toByteArray());
    return model;
  }

  private static byte[] router() {
    Random random = new Random(7);
    ByteBuffer bytes = ByteBuffer.allocate(EXPERTS * 32 * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < (EXPERTS - 1) * 32; i++) {
      bytes.putFloat((float) random.nextGaussian());
    }
    for (int i = 0; i < 32; i++) {
      bytes.putFloat(-bytes.getFloat(4 * i) - bytes.getFloat(4 * (i + 32)));
    }
    return bytes.array();
  }

  private static void random(Map<TensorSpec, byte[]> fixture, String name, long n, long k) {
    Random random = new Random(name.hashCode());
    ByteBuffer bytes = ByteBuffer.allocate((int) (4 * n * k)).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) (random.nextGaussian() / Math.sqrt(k)));
    }
    fixture.put(new TensorSpec(name, DType.F32, List.of(n, k)), bytes.array());
  }

  private static void ones(Map<TensorSpec, byte[]> fixture, String name, long n) {
    ByteBuffer bytes = ByteBuffer.allocate((int) (4 * n)).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      bytes.putFloat(1);
    }
    fixture.put(new TensorSpec(name, DType.F32, List.of(n)), bytes.array());
  }

  /** Rows of tokens in a folder of one Parquet file, as Spark leaves it. */
  static Path parquet(Path folder, String... rows) {
    Path written = folder.resolve("parquet");
    SparkSession spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .getOrCreate();
    spark
        .read()
        .json(spark.createDataset(List.of(rows), Encoders.STRING()))
        .coalesce(1)
        .write()
        .parquet(written.toUri().toString());
    spark.stop();
    return written;
  }

  /** Makes the first number of a model's first tensor, the embedding of token 0, NaN. */
  static void spoil(Path model) throws IOException {
    Path file = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    all.putFloat((int) (Long.BYTES + all.getLong(0)), Float.NaN);
    Files.write(file, bytes);
  }

  /** Runs the job; tables are beside the output. */
  static JobRun run(Path model, Path data, Path output, String... options) throws Exception {
    Map<String, String> all = new HashMap<>();
    all.put("checkpoint", model.toString());
    all.put("data", data.toString());
    all.put("output", output.toString());
    all.put("tables", output.resolveSibling("tables").toString());
    all.put("device", "cpu");
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    List<String> list = new ArrayList<>();
    all.forEach((key, value) -> list.addAll(List.of(key, value)));
    return JobRun.of(new CalibrateJob(), list.toArray(String[]::new));
  }

  /** The bytes of all files of a folder by name, each as a text that compares. */
  static Map<String, String> content(Path folder) throws IOException {
    Map<String, String> all = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        byte[] bytes = Files.readAllBytes(file);
        all.put(file.getFileName().toString(), bytes.length + " " + Arrays.hashCode(bytes));
      }
    }
    return all;
  }

  /** Rows of the tables beside an output. */
  static List<TableRow> rows(Path output, Table table) throws IOException {
    String tables = output.resolveSibling("tables").toString();
    return new DeltaStore(Storage.ofAssignments(List.of()), tables).read(table);
  }

  static Calibration open(Path folder) throws IOException {
    return Calibration.open(LocalFiles.of(folder));
  }
}
