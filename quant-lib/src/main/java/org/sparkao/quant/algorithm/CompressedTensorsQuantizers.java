package org.sparkao.quant.algorithm;

import java.util.List;
import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.QuantArgs;

/** Round to nearest with the arithmetic of compressed-tensors, and the DeepSeek layout. */
final class CompressedTensorsQuantizers {
  private static final int E4M3_EXPONENT = 8;
  private static final int E2M1_EXPONENT = 2;

  private CompressedTensorsQuantizers() {}

  static List<PackedPart> parts(QuantizeRequest request) {
    SchemeChecks.check(request);
    return WeightParts.of(request, grid(request)).list();
  }

  static TensorQuantizer create(
      QuantizeRequest request, Optional<TensorRange> range, GroupKernels kernels) {
    SchemeChecks.check(request);
    ScaleGrid grid = grid(request);
    WeightParts parts = WeightParts.of(request, grid);
    WeightType type = WeightTypes.of(request.weight().dtype());
    CodeRule codes = CodeRule.of(request.scheme().weights());
    ScaleRule rule = rule(request, codes, range);
    GroupKernel kernel = kernels.quantize(type, codes, rule.quotient());
    RangeKernel ranges = kernels.range(type);
    RoundToNearest quantizer = new RoundToNearest(request, grid, parts, rule, ranges, kernel);
    if (grid.wholeTensor()) {
      TensorRange whole = required(request, range);
      return quantizer.withTensorScale(whole.min(), whole.max());
    }
    return quantizer;
  }

  private static ScaleGrid grid(QuantizeRequest request) {
    return ScaleGrid.of(request.scheme().weights().granularity(), request.weight());
  }

  private static ScaleRule rule(
      QuantizeRequest request, CodeRule codes, Optional<TensorRange> range) {
    QuantArgs args = request.scheme().weights();
    WeightType type = WeightTypes.of(request.weight().dtype());
    if (request.layout() == CheckpointLayout.DEEPSEEK) {
      return new DeepSeekScale();
    }
    return switch (args.scale()) {
      case WEIGHT_DTYPE -> new AffineScale(type, codes, args.symmetric());
      case E8M0 -> new MicroscalingScale(type, args.bits() == 8 ? E4M3_EXPONENT : E2M1_EXPONENT);
      case E4M3_WITH_GLOBAL -> new NvScale(type, required(request, range).amax());
    };
  }

  private static TensorRange required(QuantizeRequest request, Optional<TensorRange> range) {
    return range.orElseThrow(
        () ->
            new QuantException(
                "scheme " + request.scheme().name() + " needs the range of the whole weight"));
  }
}
