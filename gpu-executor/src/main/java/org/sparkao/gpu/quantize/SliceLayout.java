package org.sparkao.gpu.quantize;

import org.sparkao.gpu.device.Buffer;

/**
 * Where everything of one slice lies in the memory of a device: the weights, what only kernels see,
 * then what goes back to the host in one copy. Offsets are multiples of 256 bytes.
 *
 * @param weightBytes bytes of the weights, at 0
 * @param records offset of the records
 * @param rawZeroPoints offset of the zero points, one a byte, where packed ones are made from them
 * @param output offset of what goes back
 * @param sizes bytes of codes, scales, zero points and sums of rows, which lie there in this order;
 *     the array belongs to the record
 */
record SliceLayout(int weightBytes, long records, long rawZeroPoints, long output, int[] sizes) {
  static final int CODES = 0;
  static final int SCALES = 1;
  static final int ZERO_POINTS = 2;
  static final int SUMS = 3;

  private static final int ALIGNMENT = 256;

  /**
   * The layout of a slice.
   *
   * @param weightBytes bytes of its weights
   * @param scales how many scales it has, 0 when they are those of the tensor
   * @param packedZeroPoints whether zero points are made in two steps
   * @param sizes as in the record
   */
  static SliceLayout of(int weightBytes, int scales, boolean packedZeroPoints, int[] sizes) {
    long records = aligned(weightBytes);
    long raw = records + aligned((long) scales * MatrixOnDevice.RECORD_BYTES);
    long output = raw + (packedZeroPoints ? aligned(scales) : 0);
    return new SliceLayout(weightBytes, records, raw, output, sizes);
  }

  /** Where a piece of the output begins, counted from the output. */
  int at(int piece) {
    long offset = 0;
    for (int i = 0; i < piece; i++) {
      offset += aligned(sizes[i]);
    }
    return Math.toIntExact(offset);
  }

  int outputBytes() {
    return at(sizes.length);
  }

  long bytes() {
    return output + outputBytes();
  }

  /** A piece of the output on the device. */
  Buffer piece(Buffer memory, int piece) {
    return memory.slice(output + at(piece), Math.max(1, sizes[piece]));
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
