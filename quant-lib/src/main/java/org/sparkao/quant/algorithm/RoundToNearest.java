package org.sparkao.quant.algorithm;

import java.util.Arrays;
import java.util.List;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.pack.BitPacking;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * Round to nearest under a scale rule: ranges of a band of rows that share scales, their scales,
 * then codes row by row. A band is one row unless scales cover blocks.
 */
final class RoundToNearest implements TensorQuantizer {
  private final QuantizeRequest request;
  private final ScaleGrid grid;
  private final WeightParts parts;
  private final ScaleRule rule;
  private final RangeKernel rangeKernel;
  private final GroupKernel kernel;
  private final ScaleWriter writer;
  private final SearchedRanges searched;
  private final ErrorSums sums = new ErrorSums();
  private final GroupSlice slice = new GroupSlice();
  private final GroupRange[] ranges;
  private final GroupScale[] scales;
  private final byte[] rowCodes;
  private final int columns;
  private final int rowBytes;
  private final int elementBytes;
  private final boolean packed;

  RoundToNearest(
      QuantizeRequest request,
      ScaleGrid grid,
      WeightParts parts,
      ScaleRule rule,
      RangeKernel rangeKernel,
      GroupKernel kernel,
      SearchedRanges searched) {
    this.request = request;
    this.grid = grid;
    this.parts = parts;
    this.rule = rule;
    this.rangeKernel = rangeKernel;
    this.kernel = kernel;
    this.searched = searched;
    this.columns = Math.toIntExact(request.weight().columns());
    this.rowBytes = Math.toIntExact(request.weight().rowBytes());
    this.elementBytes = request.weight().dtype().bits() / 8;
    this.packed =
        switch (request.scheme().format()) {
          case PACK_QUANTIZED, NVFP4_PACK_QUANTIZED, MXFP4_PACK_QUANTIZED -> true;
          case INT_QUANTIZED, FLOAT_QUANTIZED, NAIVE_QUANTIZED, MXFP8_QUANTIZED -> false;
        };
    this.writer = new ScaleWriter(request, parts, grid, rule.global());
    this.rowCodes = new byte[columns];
    this.ranges = new GroupRange[grid.groups()];
    this.scales = new GroupScale[grid.groups()];
    Arrays.setAll(ranges, i -> new GroupRange());
    Arrays.setAll(scales, i -> new GroupScale());
  }

  /** Fixes the scale of a whole tensor from its range. */
  RoundToNearest withTensorScale(float min, float max) {
    rule.choose(min, max, scales[0]);
    return this;
  }

  @Override
  public List<PackedPart> parts() {
    return parts.list();
  }

  @Override
  public int sliceRowMultiple() {
    if (grid.wholeTensor()) {
      return 1;
    }
    int zeroPoints = parts.zeroPoint() < 0 ? 1 : parts.list().get(parts.zeroPoint()).rowsPerStep();
    return leastCommonMultiple(grid.rows(), zeroPoints);
  }

  @Override
  public void quantize(byte[] source, int sourceOffset, long rowBegin, int rows, byte[][] out) {
    if (rowBegin % sliceRowMultiple() != 0) {
      throw new IllegalArgumentException(
          "slice begins at row " + rowBegin + ", not a multiple of " + sliceRowMultiple());
    }
    writer.begin(rowBegin, rows, out);
    int bandRows = grid.wholeTensor() ? 1 : grid.rows();
    for (int row = 0; row < rows; row += bandRows) {
      int bandEnd = Math.min(rows, row + bandRows);
      for (int group = 0; group < grid.groups(); group++) {
        chooseScale(source, sourceOffset, row, bandEnd, group);
      }
      writer.writeScales(rowBegin + row, scales);
      for (int i = row; i < bandEnd; i++) {
        quantizeRow(source, sourceOffset + i * rowBytes, i, out[parts.codes()]);
      }
    }
  }

  @Override
  public TensorStatistics statistics() {
    return sums.statistics();
  }

  private void chooseScale(byte[] source, int sourceOffset, int begin, int end, int group) {
    GroupRange range = ranges[group];
    range.clear();
    int first = group * grid.columns();
    int count = Math.min(grid.columns(), columns - first);
    int offset = sourceOffset + begin * rowBytes + first * elementBytes;
    rangeKernel.extendBlock(source, offset, count, end - begin, rowBytes, range);
    sums.addRange(range);
    if (!grid.wholeTensor()) {
      GroupRange chosen = searched.of(source, offset, end - begin, count, range);
      rule.choose(chosen.min, chosen.max, scales[group]);
    }
  }

  private void quantizeRow(byte[] source, int offset, int row, byte[] out) {
    for (int group = 0; group < grid.groups(); group++) {
      quantizeGroup(source, offset, group, packed ? rowCodes : out, packed ? 0 : row * columns);
    }
    sums.endRow(columns);
    if (packed) {
      int bits = request.scheme().weights().bits();
      boolean signed = request.scheme().format() == StorageFormat.PACK_QUANTIZED;
      int packedBytes = Math.toIntExact(parts.list().get(parts.codes()).bytesPerStep());
      BitPacking.packRow(
          rowCodes, columns, bits, signed ? 1 << bits - 1 : 0, out, row * packedBytes);
    }
  }

  private void quantizeGroup(
      byte[] source, int rowOffset, int group, byte[] codes, int codeOffset) {
    int first = group * grid.columns();
    slice.source = source;
    slice.offset = rowOffset + first * elementBytes;
    slice.count = Math.min(grid.columns(), columns - first);
    slice.codes = codes;
    slice.codeOffset = codeOffset + first;
    slice.careful = ranges[group].needsCare();
    slice.amax = ranges[group].amax();
    kernel.quantize(slice, scales[group], sums);
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
