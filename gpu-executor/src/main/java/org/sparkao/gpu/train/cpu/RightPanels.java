package org.sparkao.gpu.train.cpu;

import java.util.Arrays;
import org.sparkao.gpu.model.cpu.Panels;
import org.sparkao.gpu.tensor.HostTensor;

/** The right matrix [depth, columns] of a product, as panels of {@link Panels#COLUMNS} columns. */
interface RightPanels {
  int columns();

  /**
   * Lays out a panel [depth, COLUMNS], COLUMNS contiguous; columns beyond the last are zeros.
   *
   * @param to has room for it
   */
  void pack(int panel, float[] to);

  /** Columns that a panel has. */
  default int columns(int panel) {
    return Math.min(Panels.COLUMNS, columns() - panel * Panels.COLUMNS);
  }

  /** A tensor as it is: [depth, columns]. */
  static RightPanels of(HostTensor x) {
    return new RightPanels() {
      @Override
      public int columns() {
        return x.columns();
      }

      @Override
      public void pack(int panel, float[] to) {
        int count = columns(panel);
        int from = x.offset() + panel * Panels.COLUMNS;
        if (count < Panels.COLUMNS) {
          Arrays.fill(to, 0, x.rows() * Panels.COLUMNS, 0);
        }
        for (int i = 0; i < x.rows(); i++) {
          System.arraycopy(x.array(), from, to, i * Panels.COLUMNS, count);
          from += x.columns();
        }
      }
    };
  }

  /** The transpose of a tensor [columns, depth]. */
  static RightPanels transposed(HostTensor x) {
    return new RightPanels() {
      /** Columns that are laid out at the same time. */
      private static final int TOGETHER = 4;

      @Override
      public int columns() {
        return x.rows();
      }

      @Override
      public void pack(int panel, float[] to) {
        int depth = x.columns();
        int count = columns(panel);
        if (count < Panels.COLUMNS) {
          Arrays.fill(to, 0, depth * Panels.COLUMNS, 0);
        }
        int whole = count - count % TOGETHER;
        for (int column = 0; column < whole; column += TOGETHER) {
          packSeveral(x.array(), x.at(panel * Panels.COLUMNS + column), depth, to, column);
        }
        for (int column = whole; column < count; column++) {
          int from = x.at(panel * Panels.COLUMNS + column);
          for (int i = 0; i < depth; i++) {
            to[i * Panels.COLUMNS + column] = x.array()[from + i];
          }
        }
      }

      private static void packSeveral(float[] from, int at, int depth, float[] to, int column) {
        int second = at + depth;
        int third = second + depth;
        int fourth = third + depth;
        for (int i = 0; i < depth; i++) {
          int target = i * Panels.COLUMNS + column;
          to[target] = from[at + i];
          to[target + 1] = from[second + i];
          to[target + 2] = from[third + i];
          to[target + 3] = from[fourth + i];
        }
      }
    };
  }
}
