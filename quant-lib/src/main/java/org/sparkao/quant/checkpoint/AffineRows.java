package org.sparkao.quant.checkpoint;

import java.io.IOException;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.TensorEntry;

/** Turns rows of I8 codes under scales and zero points into rows of values. */
final class AffineRows implements RawRows {
  /** Codes read at once: object stores answer each read with a request. */
  private static final int CHUNK_BYTES = 4 << 20;

  private final RawRows codes;
  private final float[] scales;
  private final byte[] zeroPoints;
  private final WeightType type;
  private final int columns;
  private final int group;
  private final long viewBegin;
  private final byte[] raw;

  private AffineRows(
      RawRows codes,
      float[] scales,
      byte[] zeroPoints,
      StoredForm.Affine form,
      WeightSource weight) {
    this.codes = codes;
    this.scales = scales;
    this.zeroPoints = zeroPoints;
    this.type = WeightType.valueOf(form.dtype().name());
    this.columns = Math.toIntExact(weight.columns());
    this.group = Math.toIntExact(form.groupColumns());
    this.viewBegin = weight.view().rowBegin();
    long rows = Math.min(weight.rows(), Math.max(1, CHUNK_BYTES / columns));
    this.raw = new byte[Math.toIntExact(rows * columns)];
  }

  /** Reads scales and zero points, in this order. */
  static AffineRows open(CheckpointFiles files, RawRows codes, WeightSource weight, RawHash hash)
      throws IOException {
    StoredForm.Affine form = (StoredForm.Affine) weight.form();
    float[] scales;
    try (ByteSource source = files.open(form.scale().file())) {
      scales = ScaleGrid.scales(source, form.scale().entry(), hash);
    }
    TensorEntry entry = form.zeroPoint().entry();
    byte[] zeroPoints = new byte[Math.toIntExact(entry.bytes())];
    try (ByteSource source = files.open(form.zeroPoint().file())) {
      source.readFully(entry.begin(), zeroPoints, 0, zeroPoints.length);
      hash.update(zeroPoints, 0, zeroPoints.length);
    }
    return new AffineRows(codes, scales, zeroPoints, form, weight);
  }

  @Override
  public void read(long rowBegin, int rows, byte[] target, int offset) throws IOException {
    int chunkRows = raw.length / columns;
    int position = offset;
    for (int done = 0; done < rows; ) {
      int count = Math.min(chunkRows, rows - done);
      codes.read(rowBegin + done, count, raw, 0);
      for (int row = 0; row < count; row++) {
        decode(viewBegin + rowBegin + done + row, row * columns, target, position);
        position += columns * type.bytes();
      }
      done += count;
    }
  }

  private void decode(long row, int from, byte[] target, int offset) {
    int groups = columns / group;
    int first = Math.toIntExact(row * groups);
    for (int g = 0; g < groups; g++) {
      float scale = scales[first + g];
      int zeroPoint = zeroPoints[first + g];
      for (int j = g * group; j < (g + 1) * group; j++) {
        float value = type.round((raw[from + j] - zeroPoint) * scale);
        type.write(value, target, offset + j * type.bytes());
      }
    }
  }
}
