package org.sparkao.quant.algorithm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * Blocks whose scales numpy computed in float32: {@code m = f(448) / f(amax)}, {@code 1 / m}. For
 * an amax of 3.3 that is not {@code f(amax) / f(448)}, one unit in the last place away.
 */
class TestDeepSeekScale {
  private static final int ROWS = 130;
  private static final int COLUMNS = 384;

  @Test
  void scalesAndCodesAreThoseOfNumpy() {
    float[] weights = new float[ROWS * COLUMNS];
    weights[5 * COLUMNS + 7] = 0.731f;
    weights[127 * COLUMNS + 127] = -0.25f;
    weights[128 * COLUMNS + 1] = -3.3f;
    weights[129 * COLUMNS + 127] = 1f;
    weights[129 * COLUMNS + 383] = 1e-42f;

    Map<String, Tensor> tensors = quantized(weights);

    Tensor scales = tensors.get("weight_scale_inv");
    assertThat(scales.dtype()).isEqualTo(DType.F32);
    // 130 rows are one block of 128 and one of 2.
    assertThat(scales.shape()).isEqualTo(List.of(2L, 3L));
    assertThat(floatBits(scales))
        .containsExactly(0x3ad5dea6, 0x3f800000, 0x3f800000, 0x3bf15f15, 0x3f800000, 0x00200000);
    byte[] codes = tensors.get("weight").bytes();
    // 448 is 0x7e. -0.25 * 612.8591 = -153.2, nearest to -160; 135.75758 is nearest to 128.
    assertThat(codes[5 * COLUMNS + 7]).isEqualTo((byte) 0x7e);
    assertThat(codes[127 * COLUMNS + 127]).isEqualTo((byte) 0xf2);
    assertThat(codes[128 * COLUMNS + 1]).isEqualTo((byte) 0xfe);
    assertThat(codes[129 * COLUMNS + 127]).isEqualTo((byte) 0x70);
    int others = 0;
    for (byte code : codes) {
      others += code != 0 ? 1 : 0;
    }
    // 1e-42 times the largest number is 0.00034, below half of the smallest code.
    assertThat(others).isEqualTo(4);
  }

  private static Map<String, Tensor> quantized(float[] weights) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * weights.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(weights);
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse("FP8_BLOCK"),
            CheckpointLayout.DEEPSEEK,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(ROWS, COLUMNS, DType.F32));
    Tensor weight = new Tensor(DType.F32, List.of((long) ROWS, (long) COLUMNS), bytes.array());
    return QuantizedWeight.of(request, weight, ROWS).tensors();
  }

  private static int[] floatBits(Tensor tensor) {
    int[] bits = new int[tensor.bytes().length / 4];
    ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(bits);
    return bits;
  }
}
