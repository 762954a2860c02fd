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

  private ScaleGrid(float[] scales, StoredForm.Scaled form, int gridColumns) {
    this.scales = scales;
    this.blockRows = form.blockRows();
    this.blockColumns = form.blockColumns();
    this.gridColumns = gridColumns;
  }

  /** Reads the scale tensor whole; it is small beside its weight. */
  static ScaleGrid read(ByteSource source, StoredForm.Scaled form, long columns, RawHash hash)
      throws IOException {
    TensorEntry entry = form.scale().entry();
    byte[] bytes = new byte[Math.toIntExact(entry.bytes())];
    source.readFully(entry.begin(), bytes, 0, bytes.length);
    hash.update(bytes, 0, bytes.length);
    WeightType type = WeightType.valueOf(entry.dtype().name());
    float[] scales = new float[Math.toIntExact(entry.elements())];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = type.read(bytes, i * type.bytes());
    }
    long gridColumns = (columns + form.blockColumns() - 1) / form.blockColumns();
    return new ScaleGrid(scales, form, Math.toIntExact(gridColumns));
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
