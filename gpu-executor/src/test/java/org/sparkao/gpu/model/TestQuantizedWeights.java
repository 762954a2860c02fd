package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.model.LinearWeight.Plain;
import org.sparkao.gpu.model.LinearWeight.Quantized;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.config.CheckpointQuantization;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;

class TestQuantizedWeights {
  private static final String INT8 =
      "\"num_bits\": 8, \"type\": \"int\", \"strategy\": \"channel\", \"symmetric\": true";
  private static final String BLOCKS =
      "{\"torch_dtype\": \"bfloat16\", \"quantization_config\": {\"quant_method\": \"fp8\","
          + " \"activation_scheme\": \"dynamic\", \"weight_block_size\": [128, 128],"
          + " \"modules_to_not_convert\": [\"head\"], \"ignored_layers\": [\"head\"]}}";

  @TempDir private Path path;
  private QuantizedFolder folder;

  @BeforeEach
  void makeFolder() {
    folder = new QuantizedFolder(path);
  }

  /** What llm-compressor wrote of a whole model. */
  @ParameterizedTest
  @CsvSource({
    "FP8_basic, FP8, 2, 1, BF16",
    "MXFP4A16_model_free, MXFP4A16, 2, 0, BF16",
    "NVFP4_basic, NVFP4, 3, 1, BF16",
    "W4A16_ASYM, W4A16_ASYM, 4, 0, BF16"
  })
  void readsModelsOfLlmCompressor(
      String name, String scheme, int parts, int inputScales, DType dtype) throws IOException {
    Path source = GoldenCheckpoint.root().resolve("_tiny_llama").resolve(name);
    Assumptions.assumeTrue(Files.isDirectory(source), "no shared folder");
    GoldenCheckpoint golden =
        GoldenCheckpoint.of(
            path,
            source.resolve("expected.safetensors"),
            Files.readString(source.resolve("config.json")));
    WeightLookup weights = golden.weights();
    for (int layer = 0; layer < 2; layer++) {
      for (String[] shape :
          new String[][] {
            {"self_attn.q_proj", "128", "128"},
            {"self_attn.k_proj", "64", "128"},
            {"mlp.gate_proj", "256", "128"},
            {"mlp.down_proj", "128", "256"}
          }) {
        String module = "model.layers." + layer + "." + shape[0];
        LinearWeight weight =
            weights.linear(module, Integer.parseInt(shape[1]), Integer.parseInt(shape[2]));
        Quantized quantized = (Quantized) weight.form();
        assertThat(quantized.request().scheme().name()).isEqualTo(scheme);
        assertThat(quantized.request().weight().dtype()).isEqualTo(dtype);
        assertThat(quantized.parts()).hasSize(parts);
        assertThat(quantized.inputScales()).hasSize(inputScales);
        for (StoredTensor part : quantized.parts()) {
          assertThat(part.name()).startsWith(module + ".weight");
          assertThat(part.bytes().get().array()).isEqualTo(golden.bytes(part.name()));
        }
      }
    }
  }

  @Test
  void takesIgnoredModulesAsTheyAre() throws IOException {
    WeightLookup weights =
        int8().tensor("head.weight", DType.BF16, List.of(2L, 4L)).weights(int8Config("\"head\""));
    assertThat(weights.linear("head", 2, 4).form()).isInstanceOf(Plain.class);
    assertThat(weights.linear("up", 2, 4).form()).isInstanceOf(Quantized.class);
    assertThat(weights.holds("up.weight_scale")).isTrue();
    assertThatThrownBy(() -> weights.tensor("up.weight", List.of(2L, 4L)))
        .isInstanceOf(QuantException.class);
  }

  @Test
  void refusesAQuantizedModuleThatTheConfigDoesNotCallOne() throws IOException {
    WeightLookup ignored = int8().weights(int8Config("\"up\""));
    assertThatThrownBy(() -> ignored.linear("up", 2, 4))
        .hasMessage(
            "up in "
                + path
                + ": its weight is stored quantized, but in quantization_config it is on the ignore"
                + " list; use the config.json of this checkpoint");
    WeightLookup other = int8().weights(int8Config("").replace("\"Linear\"", "\"re:.*down\""));
    assertThatThrownBy(() -> other.linear("up", 2, 4))
        .hasMessageContaining("is in the targets of no group");
  }

  @Test
  void refusesPartsThatAreMissingOrOthers() throws IOException {
    WeightLookup missing =
        folder.tensor("up.weight", DType.I8, List.of(2L, 4L)).weights(int8Config(""));
    assertThatThrownBy(() -> missing.linear("up", 2, 4))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith("up.weight_scale [BF16] [2, 1]: is not in " + path)
        .hasMessageContaining("the module is W8A16");
    WeightLookup others =
        int8()
            .tensor("gate.weight", DType.F8_E4M3, List.of(2L, 4L))
            .tensor("gate.weight_scale", DType.BF16, List.of(2L, 1L))
            .weights(int8Config(""));
    assertThatThrownBy(() -> others.linear("gate", 2, 4))
        .hasMessageStartingWith("gate.weight in " + path)
        .hasMessageContaining("is F8_E4M3 [2, 4], and")
        .hasMessageContaining("it is [I8] [2, 4]");
    assertThatThrownBy(() -> others.linear("up", 4, 4))
        .hasMessageContaining("is I8 [2, 4], and")
        .hasMessageContaining("it is [I8] [4, 4]");
  }

  @Test
  void readsTheBlocksOfDeepSeekAndQwen() throws IOException {
    WeightLookup weights =
        folder
            .tensor("a.weight", DType.F8_E4M3, List.of(1L, 128L), 0x38)
            .tensor("a.weight_scale_inv", DType.F32, List.of(1L, 1L), 0, 0, 0, 0x40)
            .tensor("b.weight", DType.F8_E4M3, List.of(1L, 128L), 0x38)
            .tensor("b.weight_scale_inv", DType.BF16, List.of(1L, 1L), 0, 0x40)
            .tensor("router.weight", DType.BF16, List.of(2L, 128L))
            .weights(BLOCKS);
    Quantized deepSeek = (Quantized) weights.linear("a", 1, 128).form();
    assertThat(deepSeek.request().layout()).isEqualTo(CheckpointLayout.DEEPSEEK);
    assertThat(deepSeek.request().weight().dtype()).isEqualTo(DType.BF16);
    assertThat(deepSeek.request().scheme().name()).isEqualTo("FP8_BLOCK");
    assertThat(weights.linear("router", 2, 128).form()).isInstanceOf(Plain.class);
    for (String module : List.of("a", "b")) {
      float[] values = new float[128];
      // 0x38 is 1, the scale 2.
      HostDequantizer.of(weights.linear(module, 1, 128)).floats(0, 1, values, 0);
      assertThat(values[0]).as(module).isEqualTo(2f);
    }
  }

  @Test
  void readsOneScaleATensorOfVllm() throws IOException {
    String config =
        "{\"quantization_config\": {\"quant_method\": \"fp8\", \"activation_scheme\": \"static\"}}";
    WeightLookup weights =
        folder
            .tensor("a.weight", DType.F8_E4M3, List.of(1L, 2L), 0x38, 0xB8)
            .tensor("a.weight_scale", DType.F32, List.of(), 0, 0, 0, 0x3F)
            .tensor("a.input_scale", DType.F32, List.of(), 0, 0, 0x80, 0x3F)
            .weights(config);
    LinearWeight weight = weights.linear("a", 1, 2);
    Quantized quantized = (Quantized) weight.form();
    assertThat(quantized.request().scheme().name()).isEqualTo("FP8");
    assertThat(quantized.inputScales())
        .extracting(StoredTensor::shape)
        .containsExactly(List.of(1L));
    float[] values = new float[2];
    HostDequantizer.of(weight).floats(0, 1, values, 0);
    assertThat(values).containsExactly(0.5f, -0.5f);
  }

  /** Codes 1 to 4 under scales 0.5 and 10 of groups 1, 0, 0, 1: by hand. */
  @Test
  void dequantizesColumnsThatGptqPermuted() throws IOException {
    String args =
        "\"num_bits\": 8, \"type\": \"int\", \"strategy\": \"group\", \"group_size\": 2,"
            + " \"actorder\": \"group\"";
    WeightLookup weights =
        permuted(1, 0, 0, 1).weights(QuantizedFolder.config("int-quantized", args, ""));
    LinearWeight weight = weights.linear("a", 1, 4);
    assertThat(weight.form()).isInstanceOf(Plain.class);
    float[] values = new float[4];
    HostDequantizer.of(weight).floats(0, 1, values, 0);
    assertThat(values).containsExactly(10f, 1f, 1.5f, 40f);

    WeightLookup damaged =
        permuted(1, 0, 0, 2).weights(QuantizedFolder.config("int-quantized", args, ""));
    LinearWeight wrong = damaged.linear("a", 1, 4);
    assertThatThrownBy(() -> HostDequantizer.of(wrong))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("a.weight_g_idx in " + path + ": names a group that");

    WeightLookup unsaid =
        permuted(1, 0, 0, 1)
            .weights(
                QuantizedFolder.config("int-quantized", args, "")
                    .replace("\"actorder\": \"group\"", "\"actorder\": null"));
    assertThatThrownBy(() -> unsaid.linear("a", 1, 4))
        .hasMessageContaining("a.weight_g_idx in " + path + ": columns were permuted, but");
  }

  @Test
  void countsScalesOfACacheThatAreNotUsed() throws IOException {
    int8()
        .tensor("attn.k_scale", DType.BF16, List.of(1L))
        .tensor("attn.v_scale", DType.BF16, List.of(1L))
        .weights(int8Config(""));
    LocalFiles files = LocalFiles.of(path);
    Checkpoint checkpoint = Checkpoint.open(files);
    assertThat(
            new QuantizedWeights(
                    checkpoint, files, CheckpointQuantization.of(checkpoint).orElseThrow())
                .notes())
        .containsExactly(
            "2 scales of a quantized key-value cache (k_scale, v_scale) are not used; the cache is"
                + " stored as the run says");
  }

  @Test
  void refusesASchemeThatDoesNotFitTheWeight() throws IOException {
    String args = "\"num_bits\": 8, \"type\": \"int\", \"strategy\": \"group\", \"group_size\": 3";
    WeightLookup weights = int8().weights(QuantizedFolder.config("int-quantized", args, ""));
    assertThatThrownBy(() -> weights.linear("up", 2, 4))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith(
            "up in " + path + ": row length 4 is not a multiple of group size 3");
  }

  private QuantizedFolder int8() {
    return folder
        .tensor("up.weight", DType.I8, List.of(2L, 4L))
        .tensor("up.weight_scale", DType.BF16, List.of(2L, 1L));
  }

  private QuantizedFolder permuted(int... groups) {
    int[] words = new int[16];
    for (int i = 0; i < groups.length; i++) {
      words[4 * i] = groups[i];
    }
    return new QuantizedFolder(path)
        .tensor("a.weight", DType.I8, List.of(1L, 4L), 1, 2, 3, 4)
        .tensor("a.weight_scale", DType.F32, List.of(1L, 2L), 0, 0, 0, 0x3F, 0, 0, 0x20, 0x41)
        .tensor("a.weight_g_idx", DType.I32, List.of(4L), words);
  }

  private static String int8Config(String ignore) {
    return QuantizedFolder.config("int-quantized", INT8, ignore);
  }
}
