package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Numbers of one or two matrices in the order in which the decode kernels read them: with a gate,
 * row 2 i of the tiled weights is row i of gate and row 2 i + 1 row i of up.
 */
final class TiledOrder {
  private TiledOrder() {}

  /** One number a row: of one matrix as it is, of two by turns. */
  static ByteBuffer rows(List<ByteBuffer> matrices) {
    return rows(matrices, matrices.get(0).capacity() / Float.BYTES);
  }

  /** The same, where a matrix with one number has it in all of its rows. */
  private static ByteBuffer rows(List<ByteBuffer> matrices, int rowsOfEach) {
    int step = matrices.size();
    ByteBuffer all = allocate(Float.BYTES * step * rowsOfEach);
    for (int row = 0; row < step * rowsOfEach; row++) {
      ByteBuffer from = matrices.get(row % step);
      int at = from.capacity() == Float.BYTES ? 0 : row / step;
      all.putFloat(from.getFloat(Float.BYTES * at));
    }
    return all.flip();
  }

  /**
   * Scales of W. Those of blocks of gate stand before those of up; one a tensor becomes one a row
   * when there are two matrices.
   */
  static ByteBuffer scales(Scaling scaling, List<ByteBuffer> matrices, int rowsOfEach) {
    if (scaling == Scaling.BLOCK) {
      ByteBuffer all = allocate(matrices.stream().mapToInt(ByteBuffer::capacity).sum());
      matrices.forEach(matrix -> all.put(matrix.duplicate().rewind()));
      return all.flip();
    }
    boolean one = scaling == Scaling.TENSOR && matrices.size() == 1;
    return rows(matrices, one ? 1 : rowsOfEach);
  }

  /** Whether the kernels find a scale a row of the tiled weights. */
  static boolean scalePerRow(Gemm gemm, DenseOperands operands) {
    return operands.scalingOfW() == Scaling.ROW
        || operands.scalingOfW() == Scaling.TENSOR && gemm.matrices() == 2;
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
