package org.sparkao.quant.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    float[] scales = new float[Math.toIntExact(entry.elements())];
    for (int i = 0; i < scales.length; i++) {
      scales[i] =
          switch (entry.dtype()) {
            case F32 -> buffer.getFloat();
            case F16 -> Fp8Decoder.fromF16(buffer.getShort());
            case BF16 -> Float.intBitsToFloat(buffer.getShort() << 16);
            default -> throw new IllegalArgumentException("scales of type " + entry.dtype());
          };
    }
    long gridColumns = (columns + form.blockColumns() - 1) / form.blockColumns();
    return new ScaleGrid(scales, form, Math.toIntExact(gridColumns));
  }

  float scale(long row, int blockColumn) {
    return scales[Math.toIntExact(row / blockRows * gridColumns + blockColumn)];
  }

  int gridColumns() {
    return gridColumns;
  }

  /** First column of a block; may lie past the end for the block after the last. */
  long columnBegin(int blockColumn) {
    return blockColumn * blockColumns;
  }
}
