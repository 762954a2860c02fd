package org.sparkao.quant.algorithm;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
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

  static TensorQuantizer create(QuantizeRequest request, RangeChoice choice, GroupKernels kernels) {
    check(request);
    CodeRule codes = CodeRule.of(request.scheme().weights());
    ScaleRule rule = ScaleRules.of(request, codes, choice.range());
    BandScales band = BandScales.of(request, grid(request), rule, choice, kernels);
    return create(request, rule, band, () -> ScaleRules.required(request, choice.range()), kernels);
  }

  static TensorQuantizer create(QuantizeRequest request, GivenScales given, GroupKernels kernels) {
    check(request);
    ScaleRule rule = ScaleRules.given(request, given, grid(request));
    RangeChoice nothing = RangeChoice.of(Optional.empty());
    BandScales band = BandScales.of(request, grid(request), rule, nothing, kernels);
    return create(request, rule, band, () -> TensorRange.EMPTY, kernels);
  }

  /** {@code range} is asked for where one scale is that of the tensor. */
  private static TensorQuantizer create(
      QuantizeRequest request,
      ScaleRule rule,
      BandScales band,
      Supplier<TensorRange> range,
      GroupKernels kernels) {
    ScaleGrid grid = grid(request);
    WeightParts parts = WeightParts.of(request, grid);
    WeightType type = WeightTypes.of(request.weight().dtype());
    CodeRule codes = CodeRule.of(request.scheme().weights());
    GroupKernel kernel = kernels.quantize(type, codes, rule.quotient());
    if (grid.wholeTensor()) {
      band.chooseForTensor(range.get());
    }
    RowCodes rows = new RowCodes(request, grid, parts, kernel);
    return new RoundToNearest(request, grid, parts, band, rows, rule.global());
  }

  static void check(QuantizeRequest request) {
    SchemeChecks.check(request);
    ScaleRules.check(request);
    RangeSearches.check(request);
  }

  static ScaleGrid grid(QuantizeRequest request) {
    return ScaleGrid.of(request.scheme().weights().granularity(), request.weight());
  }

  /** Slices begin at multiples of this many rows. */
  static int sliceRowMultiple(ScaleGrid grid, WeightParts parts) {
    if (grid.wholeTensor()) {
      return 1;
    }
    int zeroPoints = parts.zeroPoint() < 0 ? 1 : parts.list().get(parts.zeroPoint()).rowsPerStep();
    return leastCommonMultiple(grid.rows(), zeroPoints);
  }

  private static int leastCommonMultiple(int a, int b) {
    int divisor = a;
    for (int rest = b; rest != 0; ) {
      int next = divisor % rest;
      divisor = rest;
      rest = next;
    }
    return Math.multiplyExact(a / divisor, b);
  }
}
