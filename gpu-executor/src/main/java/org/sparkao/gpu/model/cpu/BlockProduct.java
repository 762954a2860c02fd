package org.sparkao.gpu.model.cpu;

import java.util.Arrays;
import org.sparkao.quant.dense.TileKernel.Place;
import org.sparkao.quant.dense.WideTile;

/**
 * y = x W^T in fp32 of a block of rows, in one thread: one chain of fused multiply-adds an element,
 * by vectors of 512 bits where the JVM has them. Works for one caller at a time.
 */
final class BlockProduct {
  /** Rows of a block at most: of the tiles of both widths a multiple. */
  static final int ROWS = 36;

  private static final int C = Panels.COLUMNS;
  private static final int R = WideTile.ROWS;

  private final Tile tile = new Tile();

  /** [K, R]. */
  private float[] packed = {};

  /**
   * Rows of x.
   *
   * @param values with memory for {@link Tile#ROWS} rows more
   * @param first element 0 of the first row
   * @param stride from a row to the next
   * @param count at most {@link #ROWS}
   */
  record Rows(float[] values, int first, int stride, int count) {}

  /** Elements of a row of sums that {@code panels} of W need. */
  static int stride(int panels) {
    return Lanes.roundUp(panels * C, 2 * C);
  }

  /**
   * Multiplies with the first panels of W, and the first elements of its rows; what there is in a
   * row of sums beyond the panels is undefined after.
   *
   * @param panels how many
   * @param depth how many elements, even
   * @param sums [ROWS, {@link #stride}]
   */
  void run(Rows x, Panels w, int panels, int depth, float[] sums) {
    Arrays.fill(sums, 0, ROWS * stride(panels), 0);
    if (WideTile.AVAILABLE) {
      for (int row = 0; row < x.count(); row += R) {
        pack(x, row, depth);
        multiplyWide(w, panels, depth, sums, row * stride(panels));
      }
    } else {
      multiply(x, w, panels, depth, sums);
    }
  }

  private void pack(Rows x, int firstRow, int depth) {
    if (packed.length < depth * R) {
      packed = new float[depth * R];
    }
    for (int row = 0; row < Math.min(R, x.count() - firstRow); row++) {
      int from = x.first() + (firstRow + row) * x.stride();
      for (int i = 0; i < depth; i++) {
        packed[i * R + row] = x.values()[from + i];
      }
    }
  }

  private void multiplyWide(Panels w, int panels, int depth, float[] sums, int to) {
    int stride = stride(panels);
    for (int panel = 0; panel < panels; panel += 2) {
      int second = Math.min(panel + 1, w.count() - 1);
      WideTile.add(
          Place.of(packed, 0, R),
          Place.of(w.panel(panel), 0, C),
          Place.of(w.panel(second), 0, C),
          depth,
          Place.of(sums, to + panel * C, stride),
          Place.of(sums, to + panel * C + C, stride));
    }
  }

  private void multiply(Rows x, Panels w, int panels, int depth, float[] sums) {
    tile.x = x.values();
    tile.stride = x.stride();
    tile.sums = sums;
    tile.sumsStride = stride(panels);
    tile.begin = 0;
    tile.end = depth;
    for (int panel = 0; panel < panels; panel++) {
      tile.panel = w.panel(panel);
      for (int row = 0; row < x.count(); row += Tile.ROWS) {
        tile.first = x.first() + row * x.stride();
        tile.sumsAt = row * tile.sumsStride + panel * C;
        tile.several();
      }
    }
  }
}
