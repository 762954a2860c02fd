package org.sparkao.quant.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** The vector loop gives what the plain loop gives, cut off weights included. */
class TestVectorDequantizer {

  @ParameterizedTest
  @CsvSource({
    "W4A16,BF16",
    "W4A16,F16",
    "W4A16,F32",
    "W8A8,BF16",
    "W4A16_ASYM,BF16",
    "W4A16_ASYM,F16",
    "W4A16_ASYM,F32",
    "FP8_DYNAMIC,BF16",
    "FP8_DYNAMIC,F32",
    "MXFP4,BF16",
    "MXFP8,F16",
    "NVFP4,BF16",
    "NVFP4,F16"
  })
  void equalsThePlainLoop(String scheme, DType dtype) {
    assumeTrue(VectorKernels.supported(), "no vectors of 256 bits");
    Tensor shape = new Tensor(dtype, List.of(4L, 1024L), new byte[0]);
    QuantizeRequest request =
        QuantizedWeight.request(
            Schemes.parse(scheme), Numerics.COMPRESSED_TENSORS, WeightAlgorithm.MSE, shape);
    CodeRule codes = CodeRule.of(request.scheme().weights());
    ScaleRule rule = ScaleRules.of(request, codes, Optional.of(new TensorRange(-8, 8)));
    WeightType type = WeightTypes.of(dtype);
    GroupDequantizer plain = new PlainDequantizer(type, codes, rule.quotient());
    GroupDequantizer vector = new VectorDequantizer(type, codes, rule.quotient());
    Random random = new Random(9);
    for (int count : new int[] {3, 16, 128, 517}) {
      for (int shift = -40; shift <= 10; shift += 5) {
        float[] weights = new float[count + 1];
        GroupRange range = new GroupRange();
        for (int i = 0; i < count; i++) {
          weights[i + 1] = type.round(Math.scalb((float) random.nextGaussian(), shift));
          range.add(weights[i + 1] * 0.6f);
        }
        GroupScale scale = new GroupScale();
        rule.choose(type.round(range.min), type.round(range.max), scale);
        float[] expected = new float[count];
        float[] actual = new float[count];
        plain.dequantize(weights, 1, count, scale, expected);
        vector.dequantize(weights, 1, count, scale, actual);
        for (int i = 0; i < count; i++) {
          assertThat(actual[i] + 0f)
              .as("%s 2^%d", weights[i + 1], shift)
              .isEqualTo(expected[i] + 0f);
        }
      }
    }
  }
}
