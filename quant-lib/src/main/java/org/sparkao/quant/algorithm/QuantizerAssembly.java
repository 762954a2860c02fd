package org.sparkao.quant.algorithm;

import java.util.List;
import org.sparkao.quant.format.WeightType;
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
    ScaleGrid grid = grid(request);
    WeightParts parts = WeightParts.of(request, grid);
    WeightType type = WeightTypes.of(request.weight().dtype());
    CodeRule codes = CodeRule.of(request.scheme().weights());
    ScaleRule rule = ScaleRules.of(request, codes, choice.range());
    GroupKernel kernel = kernels.quantize(type, codes, rule.quotient());
    BandScales band = BandScales.of(request, grid, rule, choice, kernels);
    if (grid.wholeTensor()) {
      band.chooseForTensor(ScaleRules.required(request, choice.range()));
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
