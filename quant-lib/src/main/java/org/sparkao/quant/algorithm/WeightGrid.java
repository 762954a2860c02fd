package org.sparkao.quant.algorithm;

import java.util.Arrays;
import java.util.List;
import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;

/**
 * The numbers that the weights of some rows may become: scales are chosen first, codes afterwards
 * by an algorithm of its own, such as GPTQ. Scales, codes and their places in the file are those
 * that {@link Quantizers} gives for the same request. One instance a tensor and a thread.
 *
 * <p>For a slice of rows: {@link #begin}, then {@link #round} as often as wanted, then {@link
 * #write} for each row.
 */
public final class WeightGrid {
  private final ScaleGrid grid;
  private final WeightParts parts;
  private final ScaleRule rule;
  private final CodeRule codes;
  private final BandScales band;
  private final ScaleWriter writer;
  private final RowCodes rowCodes;
  private final PlainKernel plain;
  private final GroupSlice one = new GroupSlice();
  private final GroupScale scaleOfOne = new GroupScale();
  private final ColumnRounding rounding;
  private final ErrorSums sums = new ErrorSums();
  private final WeightType type;
  private final int columns;
  private final int rowBytes;
  private final GridScales scales = new GridScales();
  private byte[][] out;

  private WeightGrid(QuantizeRequest request, RangeChoice choice, GroupKernels kernels) {
    this.grid = QuantizerAssembly.grid(request);
    this.parts = WeightParts.of(request, grid);
    this.codes = CodeRule.of(request.scheme().weights());
    this.rule = ScaleRules.of(request, codes, choice.range());
    this.type = WeightTypes.of(request.weight().dtype());
    this.band = BandScales.of(request, grid, rule, choice, kernels);
    this.writer = new ScaleWriter(request, parts, grid, rule.global());
    this.rowCodes =
        new RowCodes(request, grid, parts, kernels.quantize(type, codes, rule.quotient()));
    this.plain = new PlainKernel(type, codes, rule.quotient());
    this.rounding = kernels.roundColumns(type, codes);
    this.columns = Math.toIntExact(request.weight().columns());
    this.rowBytes = Math.toIntExact(request.weight().rowBytes());
  }

  static WeightGrid of(QuantizeRequest request, RangeChoice choice, GroupKernels kernels) {
    QuantizerAssembly.check(request);
    WeightGrid made = new WeightGrid(request, choice, kernels);
    if (made.grid.wholeTensor()) {
      TensorRange whole = ScaleRules.required(request, choice.range());
      made.band.chooseForTensor(whole);
    }
    return made;
  }

  /** The tensors that the weight becomes. */
  public List<PackedPart> parts() {
    return parts.list();
  }

  /** Slices begin at multiples of this many rows. */
  public int sliceRowMultiple() {
    return QuantizerAssembly.sliceRowMultiple(grid, parts);
  }

  /** Columns that share a scale. */
  public int groupColumns() {
    return grid.columns();
  }

  /** What codes are dequantized to: the type of the weight. */
  public WeightType type() {
    return type;
  }

  /**
   * Chooses the scales of rows [rowBegin, rowBegin + rows) and writes them.
   *
   * @param source the rows that scales are chosen from, little endian, K contiguous
   * @param target one array a part, as in {@link TensorQuantizer#quantize}
   */
  public void begin(byte[] source, int offset, long rowBegin, int rows, byte[][] target) {
    this.out = target;
    writer.begin(rowBegin, rows, target);
    scales.resize(grid.groups(), rows);
    int bandRows = grid.wholeTensor() ? 1 : grid.rows();
    for (int row = 0; row < rows; row += bandRows) {
      int end = Math.min(rows, row + bandRows);
      band.choose(source, offset, rowBegin, row, end, sums);
      writer.writeScales(rowBegin + row, band.scales());
      scales.fill(band, row, end);
    }
  }

  /**
   * The numbers nearest to the weights of one column, row by row, from row {@code rowBegin} of the
   * slice on, a multiple of 8.
   *
   * @param group of the column
   * @param weights fp32, one a row, from index 0; up to a multiple of 8 is read and written
   * @param out receives the results
   */
  public void round(int group, int rowBegin, int count, float[] weights, Rounded out) {
    int first = group * scales.stride + rowBegin;
    sums.clipped += rounding.round(weights, count, scales, first, out);
  }

  /** What {@link #round} does, for devices that do it themselves. */
  public Codes codes() {
    return new Codes(
        codes.format(),
        codes.smallest(),
        codes.largest(),
        codes.clippedBelow(),
        codes.clippedAbove());
  }

  /**
   * The numbers before the scale: a position, weight / operand + zero point in fp32, is clamped and
   * rounded, and keeps its sign.
   *
   * @param format of the numbers
   * @param smallest of them
   * @param largest of them
   * @param clippedBelow positions below this are clipped
   * @param clippedAbove positions above this are
   */
  public record Codes(
      NumberFormat format, float smallest, float largest, float clippedBelow, float clippedAbove) {}

  /** Scales of rows of a slice, side by side. */
  public int groups() {
    return grid.groups();
  }

  /**
   * Copies the scales of some rows of the slice.
   *
   * @param out [groups, pitch], rows contiguous; what lies behind the rows divides by 1
   */
  public void scales(int rowBegin, int rows, int pitch, Scales out) {
    Arrays.fill(out.operand(), 0, groups() * pitch, 1);
    Arrays.fill(out.dequantize(), 0, groups() * pitch, 1);
    Arrays.fill(out.zeroPoint(), 0, groups() * pitch, 0);
    for (int g = 0; g < groups(); g++) {
      int from = g * scales.stride + rowBegin;
      System.arraycopy(scales.operand, from, out.operand(), g * pitch, rows);
      System.arraycopy(scales.dequantize, from, out.dequantize(), g * pitch, rows);
      System.arraycopy(scales.zeroPoint, from, out.zeroPoint(), g * pitch, rows);
    }
  }

  /** Where {@link #scales} puts them; the arrays belong to the caller. */
  public record Scales(float[] operand, float[] dequantize, float[] zeroPoint) {}

  /** Counts positions that a device found beyond the codes. */
  public void addClipped(long count) {
    sums.clipped += count;
  }

  /** Where {@link #round} puts its results; the arrays belong to the caller. */
  public static final class Rounded {
    /** What codes stand for, in the type of the weight, from index 0. */
    public float[] values;

    /** Numbers before the scale: integers, or the values of floating-point codes. */
    public float[] steps;

    /** Index of the first step. */
    public int stepsAt;
  }

  /** Whether row {@code row} of the slice has a NaN or an infinity. */
  public boolean broken(int row) {
    return scales.broken[row];
  }

  /**
   * Packs the codes of one row of the slice, and adds its errors to the statistics. A {@link
   * #broken} row is rounded to nearest instead.
   *
   * @param steps [K], what {@link Rounded#steps} said of each column
   * @param group of each column
   * @param source the weights, at {@code offset} the first of the slice
   */
  public void write(int row, float[] steps, int[] group, byte[] source, int offset) {
    int from = offset + row * rowBytes;
    byte[] rowOfCodes = rowCodes.row();
    for (int j = 0; j < columns; j++) {
      int at = group[j] * scales.stride + row;
      int byteOfWeight = from + j * type.bytes();
      if (scales.broken[row]) {
        roundToNearest(source, byteOfWeight, at, j);
        continue;
      }
      rowOfCodes[j] = codes.code(steps[j]);
      float value = type.round((steps[j] - scales.zeroPoint[at]) * scales.dequantize[at]);
      float weight = type.read(source, byteOfWeight);
      if (scales.careful[row]) {
        sums.addCarefully(weight, value);
      } else {
        sums.add(j % ErrorSums.LANES, weight, value);
      }
    }
    sums.endRow(columns);
    rowCodes.pack(row, out[parts.codes()]);
  }

  private void roundToNearest(byte[] source, int offset, int scaleAt, int column) {
    one.source = source;
    one.offset = offset;
    one.count = 1;
    one.codes = rowCodes.row();
    one.codeOffset = column;
    one.careful = true;
    scaleOfOne.operand = scales.operand[scaleAt];
    scaleOfOne.dequantize = scales.dequantize[scaleAt];
    scaleOfOne.zeroPoint = (int) scales.zeroPoint[scaleAt];
    plain.quantize(one, scaleOfOne, sums);
  }

  /** Errors of all rows so far against the weights that {@link #write} saw. */
  public TensorStatistics statistics() {
    return sums.statistics();
  }

  /** The scales of a slice, [groups, stride], rows contiguous. */
  static final class GridScales {
    float[] operand = new float[0];
    float[] dequantize = new float[0];
    float[] zeroPoint = new float[0];
    boolean[] careful = new boolean[0];
    boolean[] broken = new boolean[0];
    int stride;

    private void resize(int groups, int rows) {
      stride = (rows + 7) / 8 * 8;
      if (operand.length < groups * stride) {
        operand = new float[groups * stride];
        dequantize = new float[groups * stride];
        zeroPoint = new float[groups * stride];
      }
      if (careful.length < rows) {
        careful = new boolean[rows];
        broken = new boolean[rows];
      }
      // Rows that only fill a vector are divided by something.
      Arrays.fill(operand, 1);
      Arrays.fill(dequantize, 1);
      Arrays.fill(zeroPoint, 0);
      Arrays.fill(careful, false);
      Arrays.fill(broken, false);
    }

    private void fill(BandScales band, int rowBegin, int rowEnd) {
      for (int g = 0; g < band.scales().length; g++) {
        GroupScale scale = band.scales()[g];
        GroupRange range = band.ranges()[g];
        for (int row = rowBegin; row < rowEnd; row++) {
          operand[g * stride + row] = scale.operand;
          dequantize[g * stride + row] = scale.dequantize;
          zeroPoint[g * stride + row] = scale.zeroPoint;
          careful[row] |= range.needsCare();
          broken[row] |= range.nonFinite;
        }
      }
    }
  }
}
