package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.model.ExecutionForm.Activations;
import org.sparkao.gpu.model.ExecutionForm.Weights;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** The table of the module's README. */
class TestExecutionForm {

  @ParameterizedTest
  @CsvSource({
    "FP8, FP8, FP8_STATIC",
    "FP8(granularity=row), FP8, FP8_STATIC",
    "FP8_DYNAMIC, FP8, FP8_ROW",
    "FP8_DYNAMIC(granularity=tensor), FP8, FP8_ROW",
    "FP8_DYNAMIC(group_size=64), DEQUANTIZED, FP8_ROW",
    "FP8_BLOCK, FP8, FP8_GROUP",
    "'FP8_BLOCK(granularity=block, group_size=64)', DEQUANTIZED, FP8_GROUP",
    "W8A8, INT8, INT8_ROW",
    "W8A8(symmetric=false), DEQUANTIZED, INT8_ROW",
    "W8A8(group_size=128), DEQUANTIZED, INT8_ROW",
    "W8A16, INT8, UNQUANTIZED",
    "W8A16(granularity=tensor), INT8, UNQUANTIZED",
    "W8A16(symmetric=false), DEQUANTIZED, UNQUANTIZED",
    "W4A16, INT4, UNQUANTIZED",
    "W4A16(group_size=-1), INT4, UNQUANTIZED",
    "W4A16(group_size=16), DEQUANTIZED, UNQUANTIZED",
    "W4A16_ASYM, INT4, UNQUANTIZED",
    "W4A8, INT4, INT8_ROW",
    "W4A8(symmetric=false), DEQUANTIZED, INT8_ROW",
    "W4AFP8, INT4, FP8_ROW",
    "8DA4W, DEQUANTIZED, SCHEME",
    "W2A16, DEQUANTIZED, UNQUANTIZED",
    "W3A16, DEQUANTIZED, UNQUANTIZED",
    "W5A16, DEQUANTIZED, UNQUANTIZED",
    "W6A16, DEQUANTIZED, UNQUANTIZED",
    "W7A16, DEQUANTIZED, UNQUANTIZED",
    "NVFP4A16, DEQUANTIZED, UNQUANTIZED",
    "NVFP4, DEQUANTIZED, UNQUANTIZED",
    "MXFP4A16, DEQUANTIZED, UNQUANTIZED",
    "MXFP4, DEQUANTIZED, SCHEME",
    "MXFP8A16, DEQUANTIZED, UNQUANTIZED",
    "MXFP8, DEQUANTIZED, SCHEME"
  })
  void followsTheTable(String scheme, Weights weights, Activations activations) {
    ExecutionForm form = ExecutionForm.of(Schemes.parse(scheme));
    assertThat(form.weights()).isEqualTo(weights);
    assertThat(form.activations()).isEqualTo(activations);
    assertThat(form.quantized()).isEqualTo(weights != Weights.DEQUANTIZED);
  }

  @Test
  void saysWhatIsDone() {
    assertThat(ExecutionForm.of(Schemes.parse("W4AFP8")).sentence())
        .isEqualTo("W4AFP8: weights int4, activations e4m3 with a scale a row");
    assertThat(ExecutionForm.of(Schemes.parse("W3A16")).sentence())
        .isEqualTo("W3A16: weights are dequantized block by block");
    assertThat(ExecutionForm.of(Schemes.parse("NVFP4")).sentence())
        .isEqualTo("NVFP4: weights are dequantized block by block, activations are not quantized");
    assertThat(ExecutionForm.of(Schemes.parse("8DA4W")).sentence())
        .isEqualTo(
            "8DA4W: weights are dequantized block by block, activations are rounded to the scheme's"
                + " codes");
    assertThat(ExecutionForm.of(Schemes.parse("W8A8(group_size=128)")).sentence())
        .endsWith("block by block, activations int8 with a scale a row");
  }

  @Test
  void takesAScaleARowForADynamicScaleOfTheBatchAndSaysSo() {
    QuantArgs inputs =
        new QuantArgs(
            QuantArgs.Kind.INT,
            8,
            true,
            new Granularity.PerTensor(),
            QuantArgs.Timing.DYNAMIC,
            QuantArgs.ScaleKind.WEIGHT_DTYPE);
    QuantScheme w8a8 = Schemes.parse("W8A8");
    ExecutionForm form =
        ExecutionForm.of(Schemes.named(w8a8.weights(), Optional.of(inputs), w8a8.format()));
    assertThat(form.activations()).isEqualTo(Activations.INT8_ROW);
    assertThat(form.sentence())
        .isEqualTo(
            "INT8 channel static + INT8 tensor dynamic (int-quantized): weights int8, activations"
                + " int8 with a scale a row, where the scheme has one for the batch");
  }

  @Test
  void hasAFormForEveryPreset() {
    Set<String> quantized = new TreeSet<>();
    Schemes.all().stream()
        .filter(scheme -> ExecutionForm.of(scheme).quantized())
        .forEach(scheme -> quantized.add(scheme.name()));
    assertThat(quantized)
        .containsExactlyInAnyOrder(
            "FP8",
            "FP8_DYNAMIC",
            "FP8_BLOCK",
            "W8A8",
            "W8A16",
            "W4A16",
            "W4A16_ASYM",
            "W4A8",
            "W4AFP8");
  }
}
