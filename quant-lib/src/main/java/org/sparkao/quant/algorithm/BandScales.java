package org.sparkao.quant.algorithm;

import java.util.Arrays;
import org.sparkao.quant.observe.TensorRange;

/**
 * Ranges and scales of a band: the rows of a weight that share scales. One a tensor and a thread.
 */
final class BandScales {
  private final ScaleGrid grid;
  private final ScaleRule rule;
  private final RangeKernel rangeKernel;
  private final SearchedRanges searched;
  private final GroupRange[] ranges;
  private final GroupScale[] scales;
  private final int columns;
  private final int rowBytes;
  private final int elementBytes;

  private BandScales(
      QuantizeRequest request,
      ScaleGrid grid,
      ScaleRule rule,
      RangeKernel rangeKernel,
      SearchedRanges searched) {
    this.grid = grid;
    this.rule = rule;
    this.rangeKernel = rangeKernel;
    this.searched = searched;
    this.columns = Math.toIntExact(request.weight().columns());
    this.rowBytes = Math.toIntExact(request.weight().rowBytes());
    this.elementBytes = request.weight().dtype().bits() / 8;
    this.ranges = new GroupRange[grid.groups()];
    this.scales = new GroupScale[grid.groups()];
    Arrays.setAll(ranges, i -> new GroupRange());
    Arrays.setAll(scales, i -> new GroupScale());
  }

  static BandScales of(
      QuantizeRequest request,
      ScaleGrid grid,
      ScaleRule rule,
      RangeChoice choice,
      GroupKernels kernels) {
    CodeRule codes = CodeRule.of(request.scheme().weights());
    SearchedRanges searched =
        new SearchedRanges(
            RangeSearches.of(request, rule, codes, kernels),
            RangeSearches.weighted(request, rule, kernels, choice),
            request.weight());
    RangeKernel range = kernels.range(WeightTypes.of(request.weight().dtype()));
    return new BandScales(request, grid, rule, range, searched);
  }

  /** Fixes the scale of a whole tensor. */
  void chooseForTensor(TensorRange range) {
    rule.choose(range.min(), range.max(), scales[0]);
  }

  /** One a group, from left to right. */
  GroupScale[] scales() {
    return scales;
  }

  /** Of the finite values of each group. */
  GroupRange[] ranges() {
    return ranges;
  }

  /**
   * Finds ranges and scales of rows [begin, end) of a slice.
   *
   * @param offset byte of the slice's first weight
   * @param sliceRow the row of the weight that the slice begins with
   * @param sums told the ranges
   */
  void choose(byte[] source, int offset, long sliceRow, int begin, int end, ErrorSums sums) {
    for (int group = 0; group < scales.length; group++) {
      GroupRange range = ranges[group];
      range.clear();
      int first = group * grid.columns();
      int count = Math.min(grid.columns(), columns - first);
      int from = offset + begin * rowBytes + first * elementBytes;
      rangeKernel.extendBlock(source, from, count, end - begin, rowBytes, range);
      sums.addRange(range);
      if (!grid.wholeTensor()) {
        GroupRange chosen = searched.of(source, from, end - begin, first, count, range);
        rule.chooseAt(sliceRow + begin, group, chosen, scales[group]);
      }
    }
  }
}
