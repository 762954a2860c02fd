package org.sparkao.quant.algorithm;

import java.util.Arrays;
import java.util.Optional;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;

/**
 * Quantizes and dequantizes fp32 numbers, and carries gradients back through that: what {@link
 * TensorQuantizer} stores of the same request, without codes. Numbers are first rounded to the type
 * of the request's weight, and are finite. One instance serves one thread; made by {@link
 * Quantizers}.
 *
 * <p>Gradients: rounding has the derivative 1, cutting off that of what it is (Bengio et al. 2013;
 * Esser et al. 2020, equations 3 and 5). With u = x / scale, q the code and z the zero point: d
 * fake / d x = 1 within the range of the codes, 0 outside; d fake / d scale = q - z - u within, q -
 * z outside; d fake / d z = 0 within, -scale outside.
 */
public final class FakeQuantizer {
  private final ScaleGrid grid;
  private final ScaleRule rule;
  private final CodeRule codes;
  private final WeightType type;
  private final int columns;
  private final GroupDequantizer dequantizer;
  private final PlainKernel positions;
  private final PlainDequantizer steps;
  private final GroupRange range = new GroupRange();
  private final GroupScale[] scales;
  private final float[] fake;
  private float[] band = new float[0];

  private FakeQuantizer(
      QuantizeRequest request, ScaleGrid grid, ScaleRule rule, GroupKernels kernels) {
    this.grid = grid;
    this.rule = rule;
    this.codes = CodeRule.of(request.scheme().weights());
    this.type = WeightTypes.of(request.weight().dtype());
    this.columns = Math.toIntExact(request.weight().columns());
    this.dequantizer = kernels.dequantize(type, codes, rule.quotient());
    this.positions = new PlainKernel(type, codes, rule.quotient());
    this.steps = new PlainDequantizer(type, codes, rule.quotient());
    this.scales = new GroupScale[grid.groups()];
    Arrays.setAll(scales, group -> new GroupScale());
    this.fake = new float[grid.columns()];
  }

  static FakeQuantizer of(
      QuantizeRequest request, Optional<TensorRange> range, GroupKernels kernels) {
    QuantizerAssembly.parts(request);
    ScaleGrid grid = grid(request);
    CodeRule codes = CodeRule.of(request.scheme().weights());
    FakeQuantizer made =
        new FakeQuantizer(request, grid, ScaleRules.of(request, codes, range), kernels);
    if (grid.wholeTensor()) {
      TensorRange whole = ScaleRules.required(request, range);
      made.rule.choose(whole.min(), whole.max(), made.scales[0]);
    }
    return made;
  }

  static FakeQuantizer of(QuantizeRequest request, GivenScales given, GroupKernels kernels) {
    QuantizerAssembly.parts(request);
    ScaleGrid grid = grid(request);
    FakeQuantizer made =
        new FakeQuantizer(request, grid, ScaleRules.given(request, given, grid), kernels);
    if (grid.wholeTensor()) {
      made.rule.choose(0, 0, made.scales[0]);
    }
    return made;
  }

  private static ScaleGrid grid(QuantizeRequest request) {
    return ScaleGrid.of(request.scheme().weights().granularity(), request.weight());
  }

  /** Calls begin at multiples of this many rows, and end there or with the matrix. */
  public int bandRows() {
    return grid.wholeTensor() ? 1 : grid.rows();
  }

  /** Scales side by side along a row. */
  public int groups() {
    return grid.groups();
  }

  /** Columns that share a scale; fewer may be left for the last group of a block. */
  public int groupColumns() {
    return grid.columns();
  }

  /**
   * Numbers of some rows, [rows, K], K contiguous.
   *
   * @param values fp32
   * @param offset of the first
   * @param rowBegin the first row, counted from the begin of the matrix
   * @param rows how many
   */
  public record Rows(float[] values, int offset, long rowBegin, int rows) {}

  /** What is summed up for scales that are learned, [rows, groups] from index 0; overwritten. */
  public static final class ScaleGradients {
    /** Sum of gradient * d fake / d scale. */
    public double[] scale = new double[0];

    /** Sum of gradient * d fake / d zero point. */
    public double[] zeroPoint = new double[0];

    private void resize(int count) {
      if (scale.length < count) {
        scale = new double[count];
        zeroPoint = new double[count];
      }
    }
  }

  /**
   * fake = dequantize(quantize(x)).
   *
   * @param out receives [rows, K] from {@code outOffset}; never the array of {@code x}
   */
  public void forward(Rows x, float[] out, int outOffset) {
    for (int row = 0; row < x.rows(); row += bandRows()) {
      int count = Math.min(bandRows(), x.rows() - row);
      beginBand(x, row, count);
      for (int i = 0; i < count; i++) {
        int to = outOffset + (row + i) * columns;
        for (int group = 0; group < scales.length; group++) {
          int first = group * grid.columns();
          int width = Math.min(grid.columns(), columns - first);
          dequantizer.dequantize(band, i * columns + first, width, scales[group], fake);
          System.arraycopy(fake, 0, out, to + first, width);
        }
      }
    }
  }

  /** The scales and zero points that {@link #forward} uses, one a group of each band. */
  public GivenScales scales(Rows x) {
    int bands = (x.rows() + bandRows() - 1) / bandRows();
    float[] all = new float[bands * scales.length];
    int[] zeroPoints = new int[all.length];
    for (int i = 0; i < bands; i++) {
      int row = i * bandRows();
      beginBand(x, row, Math.min(bandRows(), x.rows() - row));
      for (int group = 0; group < scales.length; group++) {
        all[i * scales.length + group] = scales[group].dequantize;
        zeroPoints[i * scales.length + group] = scales[group].zeroPoint;
      }
    }
    return new GivenScales(all, zeroPoints);
  }

  /**
   * Makes the gradient of x of that of the fake x.
   *
   * @param x as {@link #forward} read it
   * @param gradient [rows, K] from {@code offset}, changed in place
   * @param sums filled, for scales that are learned; may be null for those that follow from x
   */
  public void backward(Rows x, float[] gradient, int offset, ScaleGradients sums) {
    if (sums != null) {
      sums.resize(x.rows() * scales.length);
    }
    for (int row = 0; row < x.rows(); row += bandRows()) {
      int count = Math.min(bandRows(), x.rows() - row);
      beginBand(x, row, count);
      for (int i = 0; i < count; i++) {
        for (int group = 0; group < scales.length; group++) {
          int first = group * grid.columns();
          Span span =
              new Span(
                  i * columns + first,
                  offset + (row + i) * columns + first,
                  Math.min(grid.columns(), columns - first));
          if (sums != null) {
            addToScales(span, gradient, group, (row + i) * scales.length + group, sums);
          }
          cutOff(span, gradient, scales[group]);
        }
      }
    }
  }

  /** The columns of a group in a row: where they begin in the band and in the gradient. */
  private record Span(int inBand, int inGradient, int width) {}

  private void cutOff(Span span, float[] gradient, GroupScale scale) {
    for (int j = 0; j < span.width(); j++) {
      if (codes.clips(positions.position(band[span.inBand() + j], scale))) {
        gradient[span.inGradient() + j] = 0;
      }
    }
  }

  private void addToScales(Span span, float[] gradient, int group, int at, ScaleGradients sums) {
    GroupScale scale = scales[group];
    double ofScale = 0;
    double ofZeroPoint = 0;
    for (int j = 0; j < span.width(); j++) {
      float x = band[span.inBand() + j];
      double slope = gradient[span.inGradient() + j];
      float position = positions.position(x, scale);
      float step = steps.nearest(position) - scale.zeroPoint;
      if (codes.clips(position)) {
        ofScale += slope * step;
        ofZeroPoint -= slope * scale.dequantize;
      } else {
        ofScale += slope * (step - x / scale.dequantize);
      }
    }
    sums.scale[at] = ofScale;
    sums.zeroPoint[at] = ofZeroPoint;
  }

  /**
   * Reads rows [row, row + count) of {@code x} in the type of the weight, and finds their scales.
   */
  private void beginBand(Rows x, int row, int count) {
    if (band.length < count * columns) {
      band = new float[count * columns];
    }
    int from = x.offset() + row * columns;
    for (int i = 0; i < count * columns; i++) {
      band[i] = type.round(x.values()[from + i]);
    }
    if (grid.wholeTensor()) {
      return;
    }
    for (int group = 0; group < scales.length; group++) {
      int first = group * grid.columns();
      int end = Math.min(columns, first + grid.columns());
      range.clear();
      for (int i = 0; i < count; i++) {
        for (int j = first; j < end; j++) {
          range.add(band[i * columns + j]);
        }
      }
      rule.chooseAt(x.rowBegin() + row, group, range, scales[group]);
    }
  }
}
