package org.sparkao.quant.algorithm;

import org.sparkao.quant.algorithm.WeightParts.CodeForm;
import org.sparkao.quant.pack.BitPacking;

/** The codes of one row, and their place in the file. One a tensor and a thread. */
final class RowCodes {
  private final ScaleGrid grid;
  private final GroupKernel kernel;
  private final GroupSlice slice = new GroupSlice();
  private final byte[] row;
  private final int columns;
  private final int elementBytes;
  private final int bits;
  private final int packedBytes;
  private final boolean packed;
  private final boolean signed;

  RowCodes(QuantizeRequest request, ScaleGrid grid, WeightParts parts, GroupKernel kernel) {
    this.grid = grid;
    this.kernel = kernel;
    this.columns = Math.toIntExact(request.weight().columns());
    this.elementBytes = request.weight().dtype().bits() / 8;
    this.bits = request.scheme().weights().bits();
    this.packedBytes = Math.toIntExact(parts.list().get(parts.codes()).bytesPerStep());
    this.packed = parts.form() != CodeForm.BYTES;
    this.signed = parts.form() == CodeForm.BIASED_BITS;
    this.row = new byte[columns];
  }

  /** [K], one code a byte, until {@link #pack} puts them away. */
  byte[] row() {
    return row;
  }

  /**
   * Rounds a row to nearest under the scales of its band.
   *
   * @param offset byte of the row's first weight
   * @param index of the row in the slice
   */
  void quantize(byte[] source, int offset, int index, BandScales band, byte[] out, ErrorSums sums) {
    for (int group = 0; group < grid.groups(); group++) {
      int first = group * grid.columns();
      slice.source = source;
      slice.offset = offset + first * elementBytes;
      slice.count = Math.min(grid.columns(), columns - first);
      slice.codes = packed ? row : out;
      slice.codeOffset = (packed ? 0 : index * columns) + first;
      slice.careful = band.ranges()[group].needsCare();
      slice.amax = band.ranges()[group].amax();
      kernel.quantize(slice, band.scales()[group], sums);
    }
    sums.endRow(columns);
    if (packed) {
      pack(index, out);
    }
  }

  /** Puts {@link #row} into the part of the codes, as row {@code index} of the slice. */
  void pack(int index, byte[] out) {
    if (packed) {
      BitPacking.packRow(row, columns, bits, signed ? 1 << bits - 1 : 0, out, index * packedBytes);
    } else {
      System.arraycopy(row, 0, out, index * columns, columns);
    }
  }
}
