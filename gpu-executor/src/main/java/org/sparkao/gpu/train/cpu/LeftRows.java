package org.sparkao.gpu.train.cpu;

import org.sparkao.gpu.model.cpu.Tile;
import org.sparkao.gpu.tensor.HostTensor;

/** The left matrix [rows, depth] of a product, some rows at a time. */
interface LeftRows {
  int rows();

  int depth();

  /** Whether {@link #load} copies, so that as many panels as possible should share a call. */
  boolean copies();

  /**
   * Says where rows are: sets x, first (of the first row) and stride of the worker's tile.
   *
   * @param count of rows; up to {@link Tile#ROWS} - 1 more may be read
   */
  void load(Multiplier.Worker worker, int firstRow, int count);

  /** The rows of a tensor. */
  static LeftRows of(HostTensor x) {
    return new LeftRows() {
      @Override
      public int rows() {
        return x.rows();
      }

      @Override
      public int depth() {
        return x.columns();
      }

      @Override
      public boolean copies() {
        return false;
      }

      @Override
      public void load(Multiplier.Worker worker, int firstRow, int count) {
        worker.tile.x = x.array();
        worker.tile.first = x.at(firstRow);
        worker.tile.stride = x.columns();
      }
    };
  }

  /** The columns of a tensor. */
  static LeftRows transposed(HostTensor x) {
    return new LeftRows() {
      @Override
      public int rows() {
        return x.columns();
      }

      @Override
      public int depth() {
        return x.rows();
      }

      @Override
      public boolean copies() {
        return true;
      }

      @Override
      public void load(Multiplier.Worker worker, int firstRow, int count) {
        int depth = x.rows();
        float[] to = worker.left(Math.multiplyExact(count + HostTensor.SPARE_ROWS, depth));
        Transposition.run(x.array(), x.offset() + firstRow, x.columns(), depth, count, to);
        worker.tile.x = to;
        worker.tile.first = 0;
        worker.tile.stride = depth;
      }
    };
  }
}
