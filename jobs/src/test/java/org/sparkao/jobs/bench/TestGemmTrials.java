package org.sparkao.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.config.ConfigLayer;
import org.sparkao.quant.QuantException;

/** What {@code bench gemm} is told, without a GPU. */
class TestGemmTrials {
  @Test
  void timesTheShapesOfLlama() {
    List<GemmTrial> trials = trials(Map.of());
    assertThat(trials.stream().map(trial -> trial.gemm().label()))
        .hasSize(8)
        .contains("57344x8192 [57344, 8192] e4m3 x e4m3, scales ROW x ROW");
    assertThat(trials.get(0).rows()).containsExactly(1, 4, 8, 16, 32, 64, 128);
    assertThat(trials.get(0).mostRows()).isEqualTo(128);
  }

  @Test
  void combinesTypesAndShapes() {
    List<GemmTrial> trials =
        trials(
            Map.of(
                "type", List.of("int4", "int4-fp16", "bf16"),
                "shape", List.of("64x128", "16x256"),
                "m", List.of("3", "300"),
                "group", List.of("0"),
                "family", List.of("prefill")));
    assertThat(trials.stream().map(GemmTrial::gemm).map(Gemm::label))
        .containsExactly(
            "64x128 [64, 128] bf16 x int4, a scale a row",
            "16x256 [16, 256] bf16 x int4, a scale a row",
            "64x128 [64, 128] fp16 x int4, a scale a row",
            "16x256 [16, 256] fp16 x int4, a scale a row",
            "64x128 [64, 128] bf16 x bf16, scales NONE x NONE",
            "16x256 [16, 256] bf16 x bf16, scales NONE x NONE");
    assertThat(trials).allSatisfy(trial -> assertThat(trial.rows()).containsExactly(3, 300));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      value = {
        "shape@8192@--shape 8192: use NxK, rows and columns of the weight: 4096x14336",
        "shape@8192x0@--shape 8192x0: use NxK, rows and columns of the weight: 4096x14336",
        "shape@24x16@--type e4m3: 24x16: shape [24, 16], and N and K are positive multiples of 16; pad rows and columns with zeros",
        "m@129@--m 129: decode takes 1 to 128; use --family prefill",
        "m@0@--m 0: use a whole number from 1 to 999999",
        "type@fp4@--type fp4: use one of e4m3|e5m2|int8|bf16|int4|int4-fp16|int4-e4m3",
        "group@16@--group 16: use 32, 64, 128, or 0 for a row",
        "scales@column@--scales column: use one of none|tensor|row|block",
        "family@both@--family both: use one of decode|prefill|sparse"
      })
  void refusesWhatNoKernelMultiplies(String key, String value, String message) {
    assertThatThrownBy(() -> trials(Map.of(key, List.of(value))))
        .isInstanceOf(QuantException.class)
        .hasMessage(message);
  }

  @Test
  void refusesScalesThatATypeHasNot() {
    assertThatThrownBy(() -> trials(Map.of("type", List.of("int8"), "scales", List.of("block"))))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith(
            "--type int8: no matrix product of INT8 activations with scales BLOCK of X");
    assertThatThrownBy(() -> trials(Map.of("family", List.of("sparse"), "type", List.of("int8"))))
        .hasMessageContaining("the 2:4 kernels have no INT8 activations; multiply the weight");
    assertThatThrownBy(() -> trials(Map.of("type", List.of("int4"), "shape", List.of("16x48"))))
        .hasMessageContaining("row length 48 is not a multiple of group size 128");
  }

  static List<GemmTrial> trials(Map<String, List<String>> given) {
    Map<String, List<String>> values = new LinkedHashMap<>(given);
    values.put("what", List.of("gemm"));
    List<ConfigKey<?>> keys = new ArrayList<>(new BenchJob().keys());
    keys.addAll(CommonKeys.all());
    return GemmTrials.of(Config.resolve(keys, List.of(new ConfigLayer("test", values))));
  }
}
