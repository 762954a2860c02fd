package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;

/**
 * What a loader makes of weights that are rounded to nearest under a request, without codes: for
 * searches that try many weights. NaN and infinities are not handled. One instance a thread.
 */
public final class RowRounding {
  private final ScaleGrid grid;
  private final ScaleRule rule;
  private final GroupDequantizer loop;
  private final GroupScale scale = new GroupScale();
  private final WeightType type;
  private final int columns;
  private final float[] one;

  private RowRounding(QuantizeRequest request, RangeChoice choice, GroupKernels kernels) {
    CodeRule codes = CodeRule.of(request.scheme().weights());
    this.grid = QuantizerAssembly.grid(request);
    this.rule = ScaleRules.of(request, codes, choice.range());
    this.type = WeightTypes.of(request.weight().dtype());
    this.loop = kernels.dequantize(type, codes, rule.quotient());
    this.columns = Math.toIntExact(request.weight().columns());
    this.one = new float[columns];
    if (grid.wholeTensor()) {
      TensorRange range = ScaleRules.required(request, choice.range());
      rule.choose(range.min(), range.max(), scale);
    }
  }

  static RowRounding of(QuantizeRequest request, RangeChoice choice, GroupKernels kernels) {
    QuantizerAssembly.check(request);
    return new RowRounding(request, choice, kernels);
  }

  /** The type that weights are rounded to before and after. */
  public WeightType type() {
    return type;
  }

  /** Columns that share a scale. */
  public int groupColumns() {
    return grid.columns();
  }

  /** Rows that share scales, at most {@code all}. */
  public int bandRows(int all) {
    return grid.wholeTensor() ? 1 : Math.min(grid.rows(), all);
  }

  /**
   * Rounds rows, which begin with a row that is a multiple of {@link #bandRows}.
   *
   * @param weights [rows, K] of {@link #type}, replaced by what codes stand for
   */
  public void round(float[] weights, int rows) {
    int band = bandRows(rows);
    for (int row = 0; row < rows; row += band) {
      int end = Math.min(rows, row + band);
      for (int first = 0; first < columns; first += grid.columns()) {
        int count = Math.min(grid.columns(), columns - first);
        if (!grid.wholeTensor()) {
          chooseScale(weights, row, end, first, count);
        }
        for (int i = row; i < end; i++) {
          int at = i * columns + first;
          loop.dequantize(weights, at, count, scale, one);
          System.arraycopy(one, 0, weights, at, count);
        }
      }
    }
  }

  private void chooseScale(float[] weights, int begin, int end, int first, int count) {
    GroupRange range = new GroupRange();
    for (int i = begin; i < end; i++) {
      for (int j = first; j < first + count; j++) {
        range.add(weights[i * columns + j]);
      }
    }
    rule.choose(range.min, range.max, scale);
  }
}
