package org.sparkao.quant.pack;

import java.util.List;
import java.util.Objects;
import org.sparkao.quant.safetensors.DType;

/**
 * One of the tensors that a quantized weight is stored as: its codes, its scales, its zero points.
 * Byte counts follow from the shape alone, so a shard's header is written before any weight is
 * read.
 *
 * @param suffix what replaces {@code weight} in the tensor's name, such as {@code weight_scale}
 * @param dtype element type in the file
 * @param shape row-major, the last axis contiguous
 * @param rowsPerStep rows of the weight that one step of this part covers: 1 for codes, 128 for the
 *     scales of 128x128 blocks, {@link Integer#MAX_VALUE} for a part that does not depend on rows
 *     and is emitted whole with the first slice
 * @param bytesPerStep bytes of one step
 */
public record PackedPart(
    String suffix, DType dtype, List<Long> shape, int rowsPerStep, long bytesPerStep) {

  /** Checks the values and freezes the shape. */
  public PackedPart {
    Objects.requireNonNull(suffix, "suffix");
    Objects.requireNonNull(dtype, "dtype");
    shape = List.copyOf(shape);
    if (rowsPerStep < 1 || bytesPerStep < 0) {
      throw new IllegalArgumentException(
          suffix + ": rowsPerStep " + rowsPerStep + ", bytesPerStep " + bytesPerStep);
    }
  }

  /** Bytes of the whole part. */
  public long bytes() {
    return dtype.bytes(shape.stream().reduce(1L, Math::multiplyExact));
  }

  /**
   * Where the bytes of weight row {@code row} begin in this part. A slice of rows [begin, end)
   * fills [offset(begin), offset(end)); begin is a multiple of the quantizer's slice rows, end too
   * or the number of rows.
   */
  public long offset(long row) {
    long steps = row / rowsPerStep + (row % rowsPerStep == 0 ? 0 : 1);
    return Math.min(bytes(), Math.multiplyExact(steps, bytesPerStep));
  }
}
