package org.sparkao.quant.algorithm;

import java.util.List;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.pack.PackedPart;

/**
 * Round to nearest under a scale rule: ranges of a band of rows that share scales, their scales,
 * then codes row by row. A band is one row unless scales cover blocks.
 */
final class RoundToNearest implements TensorQuantizer {
  private final ScaleGrid grid;
  private final WeightParts parts;
  private final BandScales band;
  private final ScaleWriter writer;
  private final RowCodes codes;
  private final ErrorSums sums = new ErrorSums();
  private final int rowBytes;

  RoundToNearest(
      QuantizeRequest request,
      ScaleGrid grid,
      WeightParts parts,
      BandScales band,
      RowCodes codes,
      float global) {
    this.grid = grid;
    this.parts = parts;
    this.band = band;
    this.codes = codes;
    this.rowBytes = Math.toIntExact(request.weight().rowBytes());
    this.writer = new ScaleWriter(request, parts, grid, global);
  }

  @Override
  public List<PackedPart> parts() {
    return parts.list();
  }

  @Override
  public int sliceRowMultiple() {
    return QuantizerAssembly.sliceRowMultiple(grid, parts);
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
      band.choose(source, sourceOffset, rowBegin, row, bandEnd, sums);
      writer.writeScales(rowBegin + row, band.scales());
      for (int i = row; i < bandEnd; i++) {
        codes.quantize(source, sourceOffset + i * rowBytes, i, band, out[parts.codes()], sums);
      }
    }
  }

  @Override
  public TensorStatistics statistics() {
    return sums.statistics();
  }
}
