package org.sparkao.quant.algorithm;

import static org.sparkao.quant.algorithm.WeightParts.NONE;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightParts.CodeForm;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.TorchaoKind;

/**
 * The parts of torchao's tensor subclasses: codes, one a byte, scales, and zero points for integers
 * (zeros for symmetric ones). Scales are fp32 for {@code Int8Tensor} and {@code Float8Tensor}, of
 * the type of the weight for {@code IntxUnpackedToInt8Tensor}.
 *
 * <p>Source: torchao 0.18, {@code quantization/quantize_/workflows}.
 */
final class TorchaoLayout implements WeightLayout {
  @Override
  public void check(QuantizeRequest request) {
    if (TorchaoKind.of(request.scheme()).isEmpty()) {
      throw new QuantException(
          "scheme "
              + request.scheme().name()
              + ": layout torchao holds integers by row or group without or with dynamic int8"
              + " activations (W4A16, W8A16, W8A8, 8DA4W) and fp8 by row without (FP8A16); use one"
              + " of them, or --layout compressed-tensors");
    }
  }

  @Override
  public WeightParts parts(QuantizeRequest request, ScaleGrid grid) {
    WeightSpec weight = request.weight();
    boolean integers = request.scheme().weights().kind() == QuantArgs.Kind.INT;
    boolean own = TorchaoKind.of(request.scheme()).orElseThrow().scalesOfWeightType();
    List<PackedPart> list = new ArrayList<>();
    DType codes = integers ? DType.I8 : DType.F8_E4M3;
    list.add(WeightParts.rows("_weight_qdata", codes, weight.rows(), weight.columns()));
    list.add(grid.part("_weight_scale", own ? weight.dtype() : DType.F32));
    if (integers) {
      list.add(grid.part("_weight_zero_point", DType.I8));
    }
    return new WeightParts(
        List.copyOf(list), 0, 1, integers ? 2 : NONE, NONE, NONE, CodeForm.BYTES);
  }
}
