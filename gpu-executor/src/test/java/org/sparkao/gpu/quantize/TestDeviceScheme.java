package org.sparkao.gpu.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.safetensors.DType;

/** Which kernel and which numbers a request becomes. */
class TestDeviceScheme {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "FP8                                | 640   | CT_SYMMETRIC         | E4M3    | 0 | TWO_PASSES",
        "FP8_DYNAMIC                        | 640   | CT_SYMMETRIC         | E4M3    | 0 | ROWS",
        "FP8_DYNAMIC                        | 641   | CT_SYMMETRIC         | E4M3    | 0 | TWO_PASSES",
        "FP8_DYNAMIC                        | 53248 | CT_SYMMETRIC         | E4M3    | 0 | TWO_PASSES",
        "FP8_BLOCK                          | 640   | CT_SYMMETRIC         | E4M3    | 0 | BLOCKS",
        "deepseek:FP8_BLOCK                 | 640   | DEEPSEEK             | E4M3    | 4 | BLOCKS",
        "W8A8                               | 640   | CT_SYMMETRIC         | INTEGER | 0 | ROWS",
        "W4A16                              | 640   | CT_SYMMETRIC         | INTEGER | 3 | GROUPS",
        "W4A16_ASYM                         | 640   | CT_ASYMMETRIC        | INTEGER | 3 | GROUPS",
        "W3A16(group_size=40)               | 640   | CT_SYMMETRIC         | INTEGER | 3 | TWO_PASSES",
        "W3A16(granularity=row)             | 648   | CT_SYMMETRIC         | INTEGER | 3 | TWO_PASSES",
        "W4A8                               | 640   | CT_SYMMETRIC         | INTEGER | 3 | GROUPS",
        "W4A8(format=int-quantized)         | 640   | CT_SYMMETRIC         | INTEGER | 0 | GROUPS",
        "NVFP4A16                           | 640   | CT_NV                | E2M1    | 9 | GROUPS",
        "MXFP4A16                           | 640   | CT_MICROSCALING      | E2M1    | 9 | GROUPS",
        "MXFP8A16                           | 640   | CT_MICROSCALING      | E4M3    | 8 | GROUPS",
        "torchao:W8A8                       | 640   | TORCHAO_INT8         | INTEGER | 0 | ROWS",
        "torchao:W4A16                      | 640   | TORCHAO_SYMMETRIC    | INTEGER | 3 | GROUPS",
        "torchao:W4A16_ASYM                 | 640   | TORCHAO_ASYMMETRIC   | INTEGER | 3 | GROUPS",
        "torchao:FP8_DYNAMIC                | 640   | TORCHAO_FLOAT8       | E4M3    | 0 | ROWS",
        "torchao:MXFP4A16                   | 640   | TORCHAO_MICROSCALING | E2M1    | 9 | GROUPS",
        "torchao:NVFP4A16                   | 640   | TORCHAO_NV           | E2M1    | 9 | GROUPS",
      })
  void followsFromTheRequest(
      String scheme,
      int columns,
      DeviceScheme.Rule rule,
      DeviceScheme.Format format,
      int storage,
      DeviceGrid.Pass pass) {
    QuantizeRequest request = WeightCases.request(scheme, DType.BF16, 256, columns);
    DeviceScheme actual = DeviceScheme.of(request);
    assertThat(actual.rule()).isEqualTo(rule);
    assertThat(actual.format()).isEqualTo(format);
    assertThat(actual.bits()).isEqualTo(request.scheme().weights().bits());
    assertThat(actual.storage()).isEqualTo(storage);
    DeviceGrid grid = DeviceGrid.of(request.scheme().weights().granularity(), columns);
    assertThat(grid.pass(actual, columns)).isEqualTo(pass);
  }

  @Test
  void refusesSearchesButForTheLeastError() {
    QuantizeRequest rtn = WeightCases.request("W4A16_ASYM", DType.BF16, 256, 640);
    assertThat(DeviceQuantizers.unsupported(rtn)).isEmpty();
    for (WeightAlgorithm algorithm : WeightAlgorithm.values()) {
      boolean able = algorithm == WeightAlgorithm.RTN || algorithm == WeightAlgorithm.MSE;
      QuantizeRequest request =
          new QuantizeRequest(rtn.scheme(), rtn.layout(), rtn.numerics(), algorithm, rtn.weight());
      Optional<String> refusal =
          Optional.of(
              "algorithm "
                  + algorithm.configName()
                  + " runs on the CPU only; use --device cpu, or --algorithm rtn, mse or gptq");
      if (algorithm == WeightAlgorithm.GPTQ) {
        refusal = Optional.of("algorithm gptq needs second moments of inputs: CudaGptq");
      }
      assertThat(DeviceQuantizers.unsupported(request))
          .isEqualTo(able ? Optional.empty() : refusal);
    }
  }

  @Test
  void slicesLieOneAfterTheOther() {
    SliceLayout layout = SliceLayout.of(1000, 10, true, new int[] {500, 20, 8, 96});
    assertThat(layout.records()).isEqualTo(1024);
    assertThat(layout.rawZeroPoints()).isEqualTo(1280);
    assertThat(layout.output()).isEqualTo(1536);
    assertThat(layout.at(SliceLayout.SUMS)).isEqualTo(1024);
    assertThat(layout.outputBytes()).isEqualTo(1280);
    assertThat(layout.bytes()).isEqualTo(2816);
  }
}
