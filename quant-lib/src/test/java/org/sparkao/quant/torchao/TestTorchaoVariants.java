package org.sparkao.quant.torchao;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.pack.SwizzledScales;
import org.sparkao.quant.torchao.MxSpec.ScalingMode;

/** The files of golden/torchao that hold more than one variant, or need more than one pass. */
class TestTorchaoVariants {
  /** The files that this class checks. */
  static final List<String> FILES =
      List.of(
          "float8_activations",
          "float8_training",
          "mx_special_values",
          "mx_rceil_dequant",
          "mx_e4m3_rceil_swizzled",
          "mxfp8_config",
          "mxfp4_config",
          "nvfp4_one_level",
          "nvfp4_two_level",
          "nvfp4_weight_only_config_swizzled",
          "prim_hqq_int4_g64",
          "prim_hqq_scale_only_int4_g32",
          "nf4_b64_s256");

  private static final List<String> MX_INPUTS =
      List.of(
          "mxmant_64x256",
          "zerorow_128x256",
          "tiny_64x256",
          "ties_fp4_64x256",
          "huge_32x256",
          "f32_normal_64x256");

  private final Golden input = Golden.open("schemes/input.safetensors");

  @AfterAll
  static void everyFileOfTheListWasUsed() {
    GoldenFile.folder();
    assertThat(Golden.used())
        .containsAll(FILES.stream().map(file -> "torchao/" + file + ".safetensors").toList());
  }

  @Test
  void float8OfActivations() {
    Golden golden = Golden.open("torchao/float8_activations.safetensors");
    Golden activations = Golden.open("schemes/activations.safetensors");
    Float8Spec unbounded = Float8Spec.unbounded(NumberFormats.E4M3FN);
    Float8Spec bounded =
        new Float8Spec(NumberFormats.E4M3FN, Float8Spec.ScaleRounding.EXACT, 1e-12f, 1f);
    int checked = 0;
    for (String tensor : golden.names()) {
      if (!tensor.endsWith(".qdata")) {
        continue;
      }
      String name = tensor.substring(0, tensor.length() - ".qdata".length());
      String variant = name.substring(name.indexOf('.') + 1);
      Golden.Matrix batch = activations.get(name.substring(0, name.indexOf('.')) + ".batch1");
      int columns = batch.columns();
      int rows = batch.floats().length / columns;
      Blocks blocks =
          switch (variant) {
            case "tensor" -> Blocks.tensor(rows, columns);
            case "block1x128" -> Blocks.groups(rows, columns, 128);
            default -> Blocks.rows(rows, columns);
          };
      Float8Spec spec = variant.startsWith("row_lb") ? bounded : unbounded;
      Expected.check(
          spec, golden, name, TorchaoTensor.quantize(spec, batch.floats(), blocks, batch.type()));
      checked++;
    }
    assertThat(checked).isEqualTo(32);
  }

  @Test
  void float8OfTraining() {
    Golden golden = Golden.open("torchao/float8_training.safetensors");
    for (String name : List.of("f32_normal_64x256", "onesided_64x256")) {
      Golden.Matrix weight = input.get(name + ".weight");
      Blocks rows = Blocks.rows(weight.rows(), weight.columns());
      Blocks tensor = Blocks.tensor(weight.rows(), weight.columns());
      training(golden, name + ".e4m3.row_pow2", weight, rows);
      training(golden, name + ".e4m3.tensor", weight, tensor);
      training(golden, name + ".e5m2.tensor", weight, tensor);
    }
  }

  private static void training(Golden golden, String name, Golden.Matrix weight, Blocks blocks) {
    Float8TrainingSpec spec =
        new Float8TrainingSpec(
            name.contains("e4m3") ? NumberFormats.E4M3FN : NumberFormats.E5M2,
            name.endsWith("pow2")
                ? Float8TrainingSpec.Multiplier.POWER_OF_TWO
                : Float8TrainingSpec.Multiplier.EXACT);
    Expected.check(
        spec, golden, name, TorchaoTensor.quantize(spec, weight.floats(), blocks, weight.type()));
  }

  @Test
  void microscalingOfSpecialValues() {
    Golden golden = Golden.open("torchao/mx_special_values.safetensors");
    Golden.Matrix special = golden.get("input");
    Map<String, BinaryFloat> formats =
        Map.of(
            "e4m3", NumberFormats.E4M3FN, "e5m2", NumberFormats.E5M2, "e2m1", NumberFormats.E2M1);
    formats.forEach(
        (name, format) -> {
          for (ScalingMode mode : ScalingMode.values()) {
            MxSpec spec = new MxSpec(format, mode);
            Expected.check(
                spec,
                golden,
                name + "_" + mode.name().toLowerCase(),
                TorchaoTensor.quantize(
                    spec, special.floats(), Blocks.groups(12, 32, 32), WeightType.F32));
          }
        });
  }

  @Test
  void dequantizedMicroscaling() {
    Golden golden = Golden.open("torchao/mx_rceil_dequant.safetensors");
    for (String format : List.of("e4m3", "e2m1")) {
      MxSpec spec =
          new MxSpec(
              format.equals("e4m3") ? NumberFormats.E4M3FN : NumberFormats.E2M1, ScalingMode.RCEIL);
      assertThat(groups("mxmant_64x256", spec, 32, WeightType.F32).dequantized())
          .isEqualTo(golden.get("mxmant_64x256." + format + ".dequant").floats());
    }
  }

  @Test
  void swizzledScales() {
    Golden golden = Golden.open("torchao/mx_e4m3_rceil_swizzled.safetensors");
    MxSpec spec = new MxSpec(NumberFormats.E4M3FN, ScalingMode.RCEIL);
    for (String name : List.of("normal_128x256", "rows130_130x256", "heavytail_192x512")) {
      assertThat(swizzled(groups(name, spec, 32, WeightType.BF16)))
          .as(name)
          .isEqualTo(golden.get(name + ".scale_swizzled").bytes());
    }
  }

  @Test
  void microscalingConfigs() {
    for (BinaryFloat format : List.of(NumberFormats.E4M3FN, NumberFormats.E2M1)) {
      Golden golden = Golden.open("torchao/mxfp" + format.bits() + "_config.safetensors");
      MxSpec spec = new MxSpec(format, ScalingMode.RCEIL);
      TorchaoTensor result = groups("normal_128x256", spec, 32, WeightType.BF16);
      assertThat(swizzled(result)).isEqualTo(golden.get("normal_128x256.scale").bytes());
      Expected.checkCodes(spec, golden.get("normal_128x256.qdata"), "config", result.codes());
    }
  }

  @Test
  void nvfp4OfOneLevel() {
    Golden golden = Golden.open("torchao/nvfp4_one_level.safetensors");
    Nvfp4Spec spec = new Nvfp4Spec(Optional.empty());
    for (String name : MX_INPUTS) {
      Expected.check(spec, golden, name, groups(name, spec, 16, WeightType.BF16));
    }
    assertThat(groups("mxmant_64x256", spec, 16, WeightType.F32).dequantized())
        .isEqualTo(golden.get("mxmant_64x256.dequant_f32").floats());
  }

  @ParameterizedTest
  @ValueSource(strings = {"nvfp4_two_level", "nvfp4_weight_only_config_swizzled"})
  void nvfp4OfTwoLevels(String file) {
    Golden golden = Golden.open("torchao/" + file + ".safetensors");
    int checked = 0;
    for (String key : golden.names()) {
      if (!key.endsWith(".per_tensor_scale")) {
        continue;
      }
      String name = key.substring(0, key.indexOf('.'));
      Nvfp4Spec spec = Nvfp4Spec.twoLevel(amax(input.get(name + ".weight").floats()));
      assertThat(spec.tensorScale()).contains(golden.get(key).floats()[0]);
      TorchaoTensor result = groups(name, spec, 16, WeightType.BF16);
      byte[] scales = file.endsWith("swizzled") ? swizzled(result) : result.scaleCodes();
      assertThat(scales).as(name).isEqualTo(golden.get(name + ".scale").bytes());
      Expected.checkCodes(spec, golden.get(name + ".qdata"), name, result.codes());
      if (golden.has(name + ".dequant_f32")) {
        assertThat(groups(name, spec, 16, WeightType.F32).dequantized())
            .isEqualTo(golden.get(name + ".dequant_f32").floats());
      }
      checked++;
    }
    assertThat(checked).isGreaterThanOrEqualTo(2);
  }

  @Test
  void hqqWithZeroPoints() {
    Golden golden = Golden.open("torchao/prim_hqq_int4_g64.safetensors");
    for (String name : List.of("normal_128x256", "outlier_128x256", "f32_normal_64x256")) {
      Golden.Matrix weight = input.get(name + ".weight");
      TorchaoTensor result =
          new Hqq(4, 64).quantize(weight.floats(), weight.rows(), weight.columns(), weight.type());
      Expected.check(AffineSpec.tinygemm(), golden, name, result);
    }
  }

  @Test
  void hqqOfScalesOnly() {
    Golden golden = Golden.open("torchao/prim_hqq_scale_only_int4_g32.safetensors");
    for (String name :
        List.of("normal_128x256", "outlier_128x256", "f32_normal_64x256", "zerorow_128x256")) {
      Golden.Matrix weight = input.get(name + ".weight");
      TorchaoTensor result =
          new HqqScaleOnly(4, 32)
              .quantize(weight.floats(), weight.rows(), weight.columns(), weight.type());
      Expected.check(AffineSpec.intx(4, AffineSpec.Mapping.SYMMETRIC), golden, name, result);
    }
  }

  @Test
  void normalFloat() {
    Golden golden = Golden.open("torchao/nf4_b64_s256.safetensors");
    String name = "normal_128x256.";
    Nf4 result = Nf4.quantize(input.get(name + "weight").floats(), 64, 256, WeightType.BF16);
    assertThat(result.levels()).isEqualTo(golden.get(name + "nf4").floats());
    assertThat(result.scalerMean()).isEqualTo(golden.get(name + "scaler_mean").floats()[0]);
    assertThat(result.scalerFactors()).isEqualTo(golden.get(name + "quantization_factor").floats());
    assertThat(result.scalerCodes()).isEqualTo(golden.get(name + "quantized_scalers").bytes());
    assertThat(result.codes()).isEqualTo(golden.get(name + "quantized_data").bytes());
    assertThat(result.dequantized()).isEqualTo(golden.get(name + "dequant").floats());
  }

  private TorchaoTensor groups(String name, TorchaoSpec spec, int size, WeightType type) {
    Golden.Matrix weight = input.get(name + ".weight");
    Blocks blocks = Blocks.groups(weight.rows(), weight.columns(), size);
    return TorchaoTensor.quantize(spec, weight.floats(), blocks, type);
  }

  private static byte[] swizzled(TorchaoTensor result) {
    return SwizzledScales.swizzle(
        result.scaleCodes(), result.blocks().down(), result.blocks().across());
  }

  private static float amax(float[] values) {
    float amax = 0;
    for (float value : values) {
      amax = Math.max(amax, Math.abs(value));
    }
    return amax;
  }
}
