package org.sparkao.gpu.model.cpu;

import java.util.Arrays;
import org.sparkao.quant.dense.TileKernel.Place;
import org.sparkao.quant.dense.WideTile;

/**
 * y = x W^T of many rows where vectors have 512 bits, with the bits of {@link Product}: x is laid
 * out in panels of {@link WideTile#ROWS} rows, and two panels of W are multiplied at a time. Works
 * for one caller at a time.
 */
final class WideProduct {
  private static final int C = Panels.COLUMNS;
  private static final int R = WideTile.ROWS;

  /** Elements of x that stay in the second-level cache. */
  private static final int CACHED = 1 << 17;

  private static final int FEWEST_ROWS = 5 * R;
  private static final int MOST_ROWS = 28 * R;

  /** Of K at a time, so that parts of three panels stay in the first-level cache; even. */
  private static final int DEPTH = 192;

  private final Cores cores;
  private final Sums[] sums;

  /** [panels of rows, K, R]. */
  private float[] packed = {};

  /** Of two panels of W, by worker. */
  private static final class Sums {
    private final float[] first = new float[MOST_ROWS * C];
    private final float[] second = new float[MOST_ROWS * C];
  }

  WideProduct(Cores cores) {
    this.cores = cores;
    this.sums = new Sums[cores.count()];
    Arrays.setAll(sums, i -> new Sums());
  }

  /** Whether so many rows are worth the layout; K is even in all models there are. */
  static boolean suits(int rows, int k) {
    return rows >= 3 * R && k % 2 == 0 && WideTile.AVAILABLE;
  }

  /** As {@link Product#run}. */
  void run(Panels w, float[] x, int rows, Product.Finish finish) {
    int k = w.k();
    int rowPanels = (rows + R - 1) / R;
    if (packed.length < rowPanels * R * k) {
      packed = new float[Math.multiplyExact(rowPanels * R, k)];
    }
    cores.run(rowPanels, (worker, panel) -> pack(x, rows, k, panel));
    int chunk = Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, CACHED / k / R * R));
    int chunks = (rows + chunk - 1) / chunk;
    int pairs = (w.count() + 1) / 2;
    cores.run(
        chunks * pairs,
        (worker, piece) -> {
          int firstRow = piece / pairs * chunk;
          int count = Math.min(chunk, rows - firstRow);
          int first = 2 * (piece % pairs);
          int second = Math.min(first + 1, w.count() - 1);
          Sums own = sums[worker];
          multiply(w.panel(first), w.panel(second), k, firstRow, count, own);
          finish.accept(first, firstRow, count, own.first);
          if (second > first) {
            finish.accept(second, firstRow, count, own.second);
          }
        });
  }

  private void pack(float[] x, int rows, int k, int panel) {
    int firstRow = panel * R;
    for (int row = 0; row < Math.min(R, rows - firstRow); row++) {
      int from = (firstRow + row) * k;
      int to = firstRow * k + row;
      for (int i = 0; i < k; i++) {
        packed[to + i * R] = x[from + i];
      }
    }
  }

  private void multiply(float[] b, float[] b2, int k, int firstRow, int rows, Sums own) {
    Arrays.fill(own.first, 0, Lanes.roundUp(rows, R) * C, 0);
    Arrays.fill(own.second, 0, Lanes.roundUp(rows, R) * C, 0);
    for (int begin = 0; begin < k; begin += DEPTH) {
      int count = Math.min(DEPTH, k - begin);
      Place right = Place.of(b, begin * C, C);
      Place right2 = Place.of(b2, begin * C, C);
      for (int row = 0; row < rows; row += R) {
        WideTile.add(
            Place.of(packed, (firstRow + row) * k + begin * R, R),
            right,
            right2,
            count,
            Place.of(own.first, row * C, C),
            Place.of(own.second, row * C, C));
      }
    }
  }
}
