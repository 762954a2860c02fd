package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** A weight of the reference: a copy of what a checkpoint holds, decoded row by row. */
final class ReferenceMatrix {
  private static final int NIBBLES = Integer.BYTES * 2;

  private final Gemm gemm;
  private final ByteBuffer codes;
  private final Optional<ByteBuffer> scales;
  private final Optional<ByteBuffer> zeroPoints;
  private final Optional<ByteBuffer> bias;
  private final boolean rounded;

  /**
   * Copies a weight.
   *
   * @param rounded whether int4 weights are rounded to a 16-bit type of X, as the prefill kernels
   *     do
   */
  ReferenceMatrix(Gemm gemm, WeightMatrix matrix, boolean rounded) {
    this.gemm = gemm;
    this.codes = copy(matrix.codes());
    this.scales = matrix.scales().map(ReferenceMatrix::copy);
    this.zeroPoints = matrix.zeroPoints().map(ReferenceMatrix::copy);
    this.bias = matrix.bias().map(ReferenceMatrix::copy);
    this.rounded = rounded;
  }

  long bytes() {
    return codes.capacity()
        + scales.map(ByteBuffer::capacity).orElse(0)
        + zeroPoints.map(ByteBuffer::capacity).orElse(0)
        + bias.map(ByteBuffer::capacity).orElse(0);
  }

  /** The numbers of a row; int4 with their scales, others without. */
  double[] row(int row) {
    double[] values = new double[gemm.k()];
    if (gemm.operands() instanceof Int4Operands int4) {
      for (int column = 0; column < values.length; column++) {
        values[column] = int4(int4, row, column);
      }
      return values;
    }
    ElementType type = ((DenseOperands) gemm.operands()).w();
    for (int column = 0; column < values.length; column++) {
      values[column] = read(codes, type, (long) row * values.length + column);
    }
    return values;
  }

  /** The factor of a row in a block of 128 columns; 1 for int4. */
  double scale(int row, int block) {
    if (gemm.operands() instanceof Int4Operands) {
      return 1;
    }
    return switch (((DenseOperands) gemm.operands()).scalingOfW()) {
      case NONE -> 1;
      case TENSOR -> read(scales.orElseThrow(), ElementType.FP32, 0);
      case ROW -> read(scales.orElseThrow(), ElementType.FP32, row);
      case BLOCK ->
          read(
              scales.orElseThrow(),
              ElementType.FP32,
              (long) row / Scaling.BLOCK_LENGTH * Gemm.blocks(gemm.k()) + block);
    };
  }

  /** What is added to a column of Y. */
  double bias(int row) {
    return bias.map(values -> read(values, ElementType.FP32, row)).orElse(0f);
  }

  private double int4(Int4Operands int4, int row, int column) {
    int groups = int4.groups(gemm.k());
    int group = int4.group() == Int4Operands.ROW ? 0 : column / int4.group();
    int code = nibble(codes, row * (gemm.k() / NIBBLES) + column / NIBBLES, column % NIBBLES);
    int zero =
        zeroPoints
            .map(words -> nibble(words, row / NIBBLES * groups + group, row % NIBBLES))
            .orElse(8);
    float scale = read(scales.orElseThrow(), int4.scaleType(), (long) row * groups + group);
    // Exact: a difference of 5 bits times a factor of 11 at most.
    float value = (code - zero) * scale;
    return rounded && int4.x() != ElementType.E4M3 ? GemmNumbers.round(value, int4.x()) : value;
  }

  private static int nibble(ByteBuffer words, int word, int place) {
    return words.getInt(Integer.BYTES * word) >>> 4 * place & 15;
  }

  private static float read(ByteBuffer bytes, ElementType type, long index) {
    return GemmNumbers.read(bytes, type, index);
  }

  private static ByteBuffer copy(Buffer buffer) {
    ByteBuffer bytes = CpuDevice.bytes(buffer);
    return ByteBuffer.allocate(bytes.remaining())
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(0, bytes, 0, bytes.remaining());
  }
}
