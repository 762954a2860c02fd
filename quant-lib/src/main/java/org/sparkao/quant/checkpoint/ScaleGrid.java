package org.sparkao.quant.checkpoint;

import java.io.IOException;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.TensorEntry;

/** All scales of one weight, as floats. */
final class ScaleGrid {
  private final float[] scales;
  private final long blockRows;
  private final long blockColumns;
  private final int gridColumns;

  private ScaleGrid(float[] scales, long blockRows, long blockColumns, int gridColumns) {
    this.scales = scales;
    this.blockRows = blockRows;
    this.blockColumns = blockColumns;
    this.gridColumns = gridColumns;
  }

  /** The scales of blocks. */
  static ScaleGrid read(ByteSource source, StoredForm.Scaled form, long columns, RawHash hash)
      throws IOException {
    float[] scales = scales(source, form.scale().entry(), hash);
    long gridColumns = (columns + form.blockColumns() - 1) / form.blockColumns();
    return new ScaleGrid(
        scales, form.blockRows(), form.blockColumns(), Math.toIntExact(gridColumns));
  }

  /** A scale tensor whole; it is small beside its weight. */
  static float[] scales(ByteSource source, TensorEntry entry, RawHash hash) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(entry.bytes())];
    source.readFully(entry.begin(), bytes, 0, bytes.length);
    hash.update(bytes, 0, bytes.length);
    WeightType type = WeightType.valueOf(entry.dtype().name());
    float[] scales = new float[Math.toIntExact(entry.elements())];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = type.read(bytes, i * type.bytes());
    }
    return scales;
  }

  /** Index of the blocks that row {@code row} of the whole matrix lies in. */
  long blockRow(long row) {
    return row / blockRows;
  }

  float scale(long blockRow, int blockColumn) {
    return scales[Math.toIntExact(blockRow * gridColumns + blockColumn)];
  }

  /** Blocks side by side. */
  int gridColumns() {
    return gridColumns;
  }

  /** First column of a block; may lie past the end for the block after the last. */
  long columnBegin(int blockColumn) {
    return blockColumn * blockColumns;
  }
}
