package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorSpec;

/** What is refused, and when. */
class TestLanguageModels {
  private final CpuDevice device = CpuDevice.open();
  private final ModelOperators operators = new ReferenceModelOperators(device, Arithmetic.FP32);

  @Test
  void whatDoesNotFitEvenBlockByBlockIsRefusedWithItsParts() {
    ModelSettings settings = ModelSettings.ofTokens(8).withMemory(20_000);
    assertThatThrownBy(() -> TinyModel.read("llama").open(operators, settings))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("and 20,000 are free")
        .hasMessageContaining("embedding 8,192")
        .hasMessageContaining("layers 86,016 (the largest 43,008), output head 8,192");
    assertThat(device.budget().inUse()).isZero();
  }

  @Test
  void aClosedModelGivesItsMemoryBack() {
    TinyModel.read("qwen3-moe").open(operators, ModelSettings.ofTokens(8)).close();
    assertThat(device.budget().inUse()).isZero();
    assertThat(device.budget().peak()).isPositive();
  }

  @Test
  void numericsNameTheOperators() {
    ModelSettings settings = ModelSettings.ofTokens(8);
    try (LanguageModel model = TinyModel.read("llama").open(operators, settings)) {
      assertThat(model.numerics())
          .startsWith("reference operators 2; FP32 between them; products ")
          .endsWith("; KV cache BF16");
    }
    try (ModelOperators vector = new CpuModelOperators(device, 1);
        LanguageModel model = TinyModel.read("llama").open(vector, settings)) {
      assertThat(model.numerics()).startsWith("vector operators 1; FP32 between them; products ");
    }
  }

  @Test
  void sequencesThatHaveNoRoomAreRefused() {
    ModelSettings settings = ModelSettings.ofTokens(32).withLongest(16);
    try (LanguageModel model = TinyModel.read("llama").open(operators, settings)) {
      assertThatThrownBy(() -> model.score(List.of(sequence(18))))
          .hasMessage("17 tokens and 0 more, of at most 16");
      assertThatThrownBy(() -> model.score(List.of(sequence(12), sequence(13), sequence(14))))
          .hasMessage("36 tokens in a batch of at most 32");
      assertThatThrownBy(() -> model.score(List.of(new ScoredSequence(new int[] {1, 64}, 1))))
          .hasMessage("token 64 of a vocabulary of 64");
      GenerationLimits limits = new GenerationLimits(10, new int[0], (prompt, tokens) -> false);
      assertThatThrownBy(() -> model.generate(List.of(new int[7]), limits))
          .hasMessage("7 tokens and 10 more, of at most 16");
    }
  }

  @Test
  void missingAndMisshapenTensorsAreRefusedByTheHeader(@TempDir Path folder) throws Exception {
    TensorSpec embedding =
        new TensorSpec("model.embed_tokens.weight", DType.F32, List.of(64L, 32L));
    TensorSpec norm =
        new TensorSpec("model.layers.0.input_layernorm.weight", DType.F32, List.of(31L));
    write(folder, List.of(embedding, norm));
    assertRefused(
        folder,
        "model.layers.0.input_layernorm.weight in "
            + folder
            + "/model.safetensors: has shape [31], and by config.json it is [32]");
    Files.delete(folder.resolve("model.safetensors"));
    write(folder, List.of(embedding));
    assertRefused(folder, "model.layers.0.input_layernorm.weight [32]: is not in " + folder);
  }

  private void assertRefused(Path folder, String message) {
    assertThatThrownBy(
            () -> SharedModels.open(folder, operators, ModelSettings.ofTokens(8)).close())
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith(message);
    assertThat(device.budget().peak()).isZero();
  }

  private static void write(Path folder, List<TensorSpec> tensors) throws Exception {
    Files.writeString(
        folder.resolve("config.json"), TinyModel.read("llama").configJson().toString());
    try (FileSink sink = FileSink.create(folder.resolve("model.safetensors"))) {
      ShardWriter writer = new ShardWriter(sink, ShardHeader.of(tensors, Map.of()));
      for (TensorSpec tensor : tensors) {
        writer.append(tensor.name(), new byte[(int) tensor.bytes()], 0, (int) tensor.bytes());
      }
      writer.finish();
    }
  }

  private static ScoredSequence sequence(int length) {
    return new ScoredSequence(new int[length], 1);
  }
}
