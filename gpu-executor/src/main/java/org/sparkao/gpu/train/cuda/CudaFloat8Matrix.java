package org.sparkao.gpu.train.cuda;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.train.Float8Matrix;

/**
 * Codes of a matrix and of its transpose in the tiled order of {@code gemm_prefill/tiling.cuh},
 * scales and largest magnitudes of rows and of columns, one behind the other in one buffer.
 */
final class CudaFloat8Matrix implements Float8Matrix {
  private final Buffer all;
  private final int most;
  private final int columns;
  private int rows;

  /**
   * In memory of {@link Float8Matrix#bytes} or more, closed with this.
   *
   * @param most rows
   */
  CudaFloat8Matrix(Buffer all, int most, int columns) {
    this.all = all;
    this.most = most;
    this.columns = columns;
  }

  /** How many rows it has now. */
  CudaFloat8Matrix withRows(int count) {
    if (count > most) {
      throw new IllegalArgumentException(count + " rows where " + most + " were reserved");
    }
    this.rows = count;
    return this;
  }

  int rows() {
    return rows;
  }

  int columns() {
    return columns;
  }

  /** One of its four parts. */
  private Buffer part(long begin, long bytes) {
    return all.slice(begin, bytes);
  }

  private long codeBytes() {
    return (long) Float8Matrix.up(most) * Float8Matrix.up(columns);
  }

  private long numbers() {
    return (long) Float.BYTES * (Float8Matrix.up(most) + Float8Matrix.up(columns));
  }

  Buffer codesByRows() {
    return part(0, codeBytes());
  }

  Buffer codesByColumns() {
    return part(codeBytes(), codeBytes());
  }

  /** Of rows; or in its first place that of the whole matrix. */
  Buffer scalesOfRows() {
    return part(2 * codeBytes(), numbers());
  }

  Buffer scalesOfColumns() {
    return behindRows(scalesOfRows());
  }

  /** As scales: of rows, then of columns. */
  Buffer amaxOfRows() {
    return part(2 * codeBytes() + numbers(), numbers());
  }

  Buffer amaxOfColumns() {
    return behindRows(amaxOfRows());
  }

  private Buffer behindRows(Buffer numbers) {
    long begin = (long) Float.BYTES * Float8Matrix.up(most);
    return numbers.slice(begin, numbers.bytes() - begin);
  }

  @Override
  public void close() {
    all.close();
  }
}
