package org.sparkao.quant.scheme;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The presets, against the tables of compressed-tensors and torchao written down by hand. */
class TestSchemes {

  static List<QuantScheme> presets() {
    return Schemes.all();
  }

  /** Weights and activations as kind, bits, strategy, size, symmetric or not, dynamic or not. */
  @ParameterizedTest
  @CsvSource({
    "FP8, FLOAT8 tensor sym static, FLOAT8 tensor sym static, float-quantized",
    "FP8_DYNAMIC, FLOAT8 channel sym static, FLOAT8 token sym dynamic, float-quantized",
    "FP8A16, FLOAT8 channel sym static, -, naive-quantized",
    "FP8_BLOCK, FLOAT8 block128x128 sym static, FLOAT8 group128 sym dynamic, float-quantized",
    "W8A8, INT8 channel sym static, INT8 token sym dynamic, int-quantized",
    "W2A16, INT2 group128 sym static, -, pack-quantized",
    "W3A16, INT3 group128 sym static, -, pack-quantized",
    "W4A16, INT4 group128 sym static, -, pack-quantized",
    "W5A16, INT5 group128 sym static, -, pack-quantized",
    "W6A16, INT6 group128 sym static, -, pack-quantized",
    "W7A16, INT7 group128 sym static, -, pack-quantized",
    "W8A16, INT8 group128 sym static, -, pack-quantized",
    "W4A16_ASYM, INT4 group128 asym static, -, pack-quantized",
    "W4A8, INT4 group128 sym static, INT8 token sym dynamic, pack-quantized",
    "W4AFP8, INT4 group128 sym static, FLOAT8 token sym dynamic, pack-quantized",
    "8DA4W, INT4 group32 sym static, INT8 token asym dynamic, pack-quantized",
    "NVFP4A16, FLOAT4 group16 sym static, -, nvfp4-pack-quantized",
    "NVFP4, FLOAT4 group16 sym static, FLOAT4 group16 sym local, nvfp4-pack-quantized",
    "MXFP4A16, FLOAT4 group32 sym static, -, mxfp4-pack-quantized",
    "MXFP4, FLOAT4 group32 sym static, FLOAT4 group32 sym dynamic, mxfp4-pack-quantized",
    "MXFP8A16, FLOAT8 group32 sym static, -, mxfp8-quantized",
    "MXFP8, FLOAT8 group32 sym static, FLOAT8 group32 sym dynamic, mxfp8-quantized",
  })
  void presetIsWhatItsSourceSays(String name, String weights, String activations, String format) {
    QuantScheme scheme = Schemes.parse(name);
    assertThat(text(scheme.weights())).isEqualTo(weights);
    assertThat(scheme.activations().map(TestSchemes::text).orElse("-")).isEqualTo(activations);
    assertThat(scheme.format().configName()).isEqualTo(format);
  }

  @Test
  void everyPresetIsInTheTable() {
    assertThat(presets()).hasSize(22);
    assertThat(presets().stream().map(QuantScheme::name).collect(Collectors.toSet())).hasSize(22);
  }

  @ParameterizedTest
  @MethodSource("presets")
  void nameGivesTheSchemeAgain(QuantScheme preset) {
    assertThat(Schemes.parse(preset.name())).isEqualTo(preset);
    assertThat(Schemes.parse(" " + preset.name().toLowerCase() + " ( ) ")).isEqualTo(preset);
  }

  private static String text(QuantArgs args) {
    String size = "";
    if (args.granularity() instanceof Granularity.PerGroup group) {
      size = Integer.toString(group.size());
    } else if (args.granularity() instanceof Granularity.PerBlock block) {
      size = block.rows() + "x" + block.columns();
    }
    return args.kind().name()
        + args.bits()
        + " "
        + args.granularity().strategy()
        + size
        + (args.symmetric() ? " sym " : " asym ")
        + args.timing().name().toLowerCase();
  }

  @ParameterizedTest
  @MethodSource("presets")
  void namesPresetsByTheirParts(QuantScheme preset) {
    assertThat(Schemes.named(preset.weights(), preset.activations(), preset.format()))
        .isEqualTo(preset);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "W4A16(group_size=32)",
        "W8A16(granularity=tensor)",
        "W8A8(symmetric=false)",
        "FP8_BLOCK(granularity=block, group_size=64)"
      })
  void namesSchemesWithParameters(String name) {
    QuantScheme scheme = Schemes.parse(name);
    assertThat(Schemes.named(scheme.weights(), scheme.activations(), scheme.format()))
        .isEqualTo(scheme);
  }

  @Test
  void describesWhatNoNameLeadsTo() {
    QuantArgs tensor =
        new QuantArgs(
            QuantArgs.Kind.INT,
            8,
            true,
            new Granularity.PerTensor(),
            QuantArgs.Timing.STATIC,
            QuantArgs.ScaleKind.WEIGHT_DTYPE);
    assertThat(
            Schemes.named(
                Schemes.parse("W8A8").weights(), Optional.of(tensor), StorageFormat.INT_QUANTIZED))
        .extracting(QuantScheme::name)
        .isEqualTo("INT8 channel static + INT8 tensor static (int-quantized)");
    QuantArgs oblong =
        new QuantArgs(
            QuantArgs.Kind.FLOAT,
            8,
            true,
            new Granularity.PerBlock(64, 128),
            QuantArgs.Timing.STATIC,
            QuantArgs.ScaleKind.WEIGHT_DTYPE);
    assertThat(Schemes.named(oblong, Optional.empty(), StorageFormat.NAIVE_QUANTIZED).name())
        .isEqualTo("FLOAT8 block of 64x128 static (naive-quantized)");
  }
}
