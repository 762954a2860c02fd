package org.sparkao.quant.algorithm;

import java.util.List;
import java.util.Optional;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;

/** Puts a quantizer together: checks, parts, scale rule, inner loops. */
final class QuantizerAssembly {
  private QuantizerAssembly() {}

  static List<PackedPart> parts(QuantizeRequest request) {
    check(request);
    return WeightParts.of(request, grid(request)).list();
  }

  static TensorQuantizer create(
      QuantizeRequest request, Optional<TensorRange> range, GroupKernels kernels) {
    check(request);
    ScaleGrid grid = grid(request);
    WeightParts parts = WeightParts.of(request, grid);
    WeightType type = WeightTypes.of(request.weight().dtype());
    CodeRule codes = CodeRule.of(request.scheme().weights());
    ScaleRule rule = ScaleRules.of(request, codes, range);
    GroupKernel kernel = kernels.quantize(type, codes, rule.quotient());
    RangeKernel ranges = kernels.range(type);
    SearchedRanges searched =
        new SearchedRanges(RangeSearches.of(request, rule, codes, kernels), request.weight());
    RoundToNearest quantizer =
        new RoundToNearest(request, grid, parts, rule, ranges, kernel, searched);
    if (grid.wholeTensor()) {
      TensorRange whole = ScaleRules.required(request, range);
      return quantizer.withTensorScale(whole.min(), whole.max());
    }
    return quantizer;
  }

  private static void check(QuantizeRequest request) {
    SchemeChecks.check(request);
    ScaleRules.check(request);
    RangeSearches.check(request);
  }

  private static ScaleGrid grid(QuantizeRequest request) {
    return ScaleGrid.of(request.scheme().weights().granularity(), request.weight());
  }
}
