package org.sparkao.quant.algorithm;

import static org.sparkao.quant.algorithm.WeightParts.NONE;

import java.util.List;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightParts.CodeForm;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;

/** {@code weight} F8_E4M3 and {@code weight_scale_inv} F32, a scale a block of 128x128. */
final class DeepSeekLayout implements WeightLayout {
  private static final Granularity BLOCK = new Granularity.PerBlock(128, 128);

  @Override
  public void check(QuantizeRequest request) {
    QuantArgs weights = request.scheme().weights();
    boolean fits =
        weights.kind() == QuantArgs.Kind.FLOAT
            && weights.bits() == 8
            && weights.scale() == QuantArgs.ScaleKind.WEIGHT_DTYPE
            && weights.granularity().equals(BLOCK);
    if (!fits) {
      throw new QuantException(
          "layout deepseek holds fp8 in blocks of 128x128 only, not scheme "
              + request.scheme().name()
              + "; use FP8_BLOCK, or layout compressed-tensors");
    }
  }

  @Override
  public WeightParts parts(QuantizeRequest request, ScaleGrid grid) {
    WeightSpec weight = request.weight();
    return new WeightParts(
        List.of(
            WeightParts.rows("weight", DType.F8_E4M3, weight.rows(), weight.columns()),
            grid.part("weight_scale_inv", DType.F32)),
        0,
        1,
        NONE,
        NONE,
        NONE,
        CodeForm.BYTES);
  }
}
