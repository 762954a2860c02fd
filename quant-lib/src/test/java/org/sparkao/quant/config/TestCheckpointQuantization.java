package org.sparkao.quant.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFixture;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.DType;

class TestCheckpointQuantization {
  @TempDir private Path folder;

  private Optional<CheckpointQuantization> read(String config) throws IOException {
    Path written =
        new CheckpointFixture(folder).file("config.json", config).bf16("a.weight", 4, 8).write();
    return CheckpointQuantization.of(Checkpoint.open(LocalFiles.of(written)));
  }

  @ParameterizedTest
  @CsvSource({"torch_dtype, float16, F16", "dtype, float32, F32", "dtype, float64, BF16"})
  void readsGroupsAndType(String key, String value, DType dtype) throws IOException {
    String text = ConfigText.packed(ConfigText.INT4_GROUP128, "\"lm_head\"").strip();
    CheckpointQuantization quantization =
        read("{\"" + key + "\": \"" + value + "\"," + text.substring(1)).orElseThrow();
    assertThat(quantization.dtype()).isEqualTo(dtype);
    assertThat(quantization.config().groups()).hasSize(1);
  }

  @Test
  void readsTheTextPartOfAMultimodalModel() throws IOException {
    String text = ConfigText.packed(ConfigText.INT4_GROUP128, "").strip();
    assertThat(read("{\"text_config\": " + text + "}")).isPresent();
  }

  @Test
  void takesAPlainCheckpoint() throws IOException {
    assertThat(read("{\"model_type\": \"llama\"}")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"modelopt", "awq", "gptq", "bitsandbytes", "mxfp4"})
  void refusesOtherMethods(String method) {
    assertThatThrownBy(
            () -> read("{\"quantization_config\": {\"quant_method\": \"" + method + "\"}}"))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            folder
                + "/config.json: quantization_config.quant_method is "
                + method
                + ", which is not read; compressed-tensors, fp8 and torchao are read: quantize the"
                + " unquantized checkpoint anew");
  }

  @Test
  void refusesTheFileOfAnotherMethod() {
    new CheckpointFixture(folder).file("hf_quant_config.json", "{}");
    assertThatThrownBy(() -> read("{}"))
        .hasMessageContaining("hf_quant_config.json: quantized by ModelOpt");
  }

  @Test
  void refusesWhatVerifyCallsAnError() {
    assertThatThrownBy(() -> read(ConfigText.packed("\"num_bits\": 9, \"type\": \"int\"", "")))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            folder
                + "/config.json: quantization_config.config_groups.group_0.weights: num_bits is 9"
                + " for type INT; there are int 1 to 8, float 4 and 8");
  }

  @Test
  void refusesWhatChangesNumbersAndIsNotRead() {
    String text = ConfigText.packed(ConfigText.INT4_GROUP128, "");
    assertThatThrownBy(
            () ->
                read(
                    text.replace(
                        "\"output_activations\": null",
                        "\"output_activations\": {\"num_bits\": 8}")))
        .hasMessageContaining("config_groups.group_0.output_activations is set");
    assertThatThrownBy(
            () ->
                read(
                    text.replace(
                        "\"kv_cache_scheme\": null",
                        "\"transform_config\": {\"config_groups\": {\"u\": 1}}")))
        .hasMessageContaining("quantization_config.transform_config is set");
    assertThatThrownBy(
            () ->
                read(
                    text.replace(
                        "\"kv_cache_scheme\": null",
                        "\"sparsity_config\": {\"format\": \"sparse-24-bitmask\"}")))
        .hasMessageContaining("quantization_config.sparsity_config is set");
  }
}
