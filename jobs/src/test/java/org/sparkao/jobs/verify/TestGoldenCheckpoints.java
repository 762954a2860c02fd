package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Severity;

/** What llm-compressor and compressed-tensors wrote is right by definition. */
class TestGoldenCheckpoints {
  private static final Path SCHEMES =
      Path.of(System.getProperty("sparkao.shared")).resolve("golden/schemes");

  @TempDir private Path folder;

  @BeforeEach
  void requireGoldenData() {
    assumeTrue(Files.isDirectory(SCHEMES), SCHEMES + " is not there");
  }

  private List<Finding> verify(Path tensors, String config, int devices) throws IOException {
    Files.copy(tensors, folder.resolve("model.safetensors"));
    Files.writeString(folder.resolve("config.json"), config);
    try (OpenedCheckpoint opened = OpenedCheckpoint.folder(LocalFiles.of(folder))) {
      return CheckpointVerifier.verify(opened, Rules.all(devices)).findings();
    }
  }

  /** Every preset; each file has one Linear a tensor, odd shapes among them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "FP8",
        "FP8_DYNAMIC",
        "FP8_BLOCK",
        "W8A8",
        "W8A16",
        "W4A16",
        "W4A16_ASYM",
        "W4A16_G32",
        "W4A16_CHANNEL",
        "W4A16_CHANNEL_ASYM",
        "W4A16_ASYM_G32",
        "W8A16_ASYM_G32",
        "W8A8_ASYM",
        "W8_TENSOR",
        "W2A16",
        "W3A16",
        "W3A16_G32",
        "W5A16",
        "W6A16",
        "W7A16",
        "W4A8",
        "W4AFP8",
        "MXFP4",
        "MXFP8",
        "NVFP4"
      })
  void findsNoErrorInThePresetsOfTheReference(String preset) throws IOException {
    String config = Files.readString(SCHEMES.resolve(preset).resolve("quantization_config.json"));
    assertThat(
            verify(
                SCHEMES.resolve(preset).resolve("expected.safetensors"),
                "{\"quantization_config\": " + config + "}",
                1))
        .filteredOn(finding -> finding.severity() == Severity.ERROR)
        .isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"MXFP4A16_model_free", "NVFP4_basic", "W4A16_ASYM"})
  void findsNoErrorInWholeModelsOfTheReference(String name) throws IOException {
    Path model = SCHEMES.resolve("_tiny_llama").resolve(name);
    List<Finding> findings =
        verify(
            model.resolve("expected.safetensors"),
            Files.readString(model.resolve("config.json")),
            1);
    assertThat(findings).filteredOn(finding -> finding.severity() == Severity.ERROR).isEmpty();
  }

  /** oneshot gives q, k, v their own FP8 scales: two layers of two fused modules. */
  @Test
  void warnsAboutTheSeparateScalesOfOneshotsFp8() throws IOException {
    Path model = SCHEMES.resolve("_tiny_llama/FP8_basic");
    List<Finding> findings =
        verify(
            model.resolve("expected.safetensors"),
            Files.readString(model.resolve("config.json")),
            1);
    assertThat(findings).hasSize(4);
    assertThat(findings)
        .allSatisfy(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.WARNING);
              assertThat(finding.what()).startsWith("are fused but differ: ");
            });
  }

  /**
   * Row length 128 of the model's q, k, v, gate, up; o has 128, down 256 columns, groups of 128.
   */
  @Test
  void findsTheColumnsThatTwoDevicesCannotShare() throws IOException {
    Path model = SCHEMES.resolve("_tiny_llama/W4A16_ASYM");
    List<Finding> findings =
        verify(
            model.resolve("expected.safetensors"),
            Files.readString(model.resolve("config.json")),
            2);
    assertThat(findings)
        .filteredOn(finding -> finding.severity() == Severity.ERROR)
        .extracting(Finding::subject)
        .containsExactly("model.layers.0.self_attn.o_proj", "model.layers.1.self_attn.o_proj");
  }

  @Test
  void findsNothingInAPlainModel() throws IOException {
    Path model = SCHEMES.resolve("_tiny_llama");
    assertThat(
            verify(
                model.resolve("input.safetensors"),
                Files.readString(model.resolve("input_config.json")),
                1))
        .isEmpty();
  }

  @Test
  void listsEveryPresetThatTheReferenceSaved() throws IOException {
    try (Stream<Path> presets = Files.list(SCHEMES)) {
      assertThat(presets.filter(path -> Files.exists(path.resolve("expected.safetensors"))))
          .hasSize(25);
    }
  }
}
