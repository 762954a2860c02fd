package org.sparkao.gpu.train.cpu;

import java.util.Arrays;
import org.sparkao.gpu.model.cpu.Lanes;
import org.sparkao.gpu.model.cpu.Panels;
import org.sparkao.gpu.model.cpu.Tile;

/**
 * What a thread computes of some neighbouring queries of a head: [queries, keys up to the last].
 */
final class AttentionBlock {
  /** Queries of a block. */
  static final int QUERIES = 12 * Tile.ROWS;

  private static final int C = Panels.COLUMNS;

  private final Tile tile = new Tile();
  private int firstQuery;
  private int rows;

  /** [QUERIES, width]. */
  float[] first = {};

  /** [QUERIES, width]. */
  float[] second = {};

  /** The largest score of the row that was looked at last. */
  float largest;

  /** Goes to another block. */
  void begin(int query, int count) {
    firstQuery = query;
    rows = count;
    int elements = Math.multiplyExact(QUERIES, width());
    if (first.length < elements) {
      first = new float[elements];
      second = new float[elements];
    }
  }

  int rows() {
    return rows;
  }

  /** Keys up to the last query's, filled up. */
  int width() {
    return Lanes.roundUp(firstQuery + rows, C);
  }

  /** Keys that a query sees. */
  int seen(int row) {
    return firstQuery + row + 1;
  }

  /** to[row, j] = x[row] . panel row j. */
  void scores(float[] to, KeyHead.Rows x, Panels panels) {
    int width = width();
    Arrays.fill(to, 0, QUERIES * width, 0);
    tile.x = x.array();
    tile.stride = x.stride();
    tile.sums = to;
    tile.sumsStride = width;
    tile.begin = 0;
    tile.end = panels.k();
    for (int panel = 0; panel < width / C; panel++) {
      tile.panel = panels.panel(panel);
      for (int row = 0; row < rows; row += Tile.ROWS) {
        tile.first = x.at() + row * x.stride();
        tile.sumsAt = row * width + panel * C;
        tile.several();
      }
    }
  }

  /** Adds from [QUERIES, width] times the matrix whose transpose the panels hold to {@code to}. */
  void weigh(float[] from, Panels panels, float[] to) {
    int width = width();
    int stride = panels.count() * C;
    tile.x = from;
    tile.stride = width;
    tile.sums = to;
    tile.sumsStride = stride;
    tile.begin = 0;
    tile.end = width;
    for (int panel = 0; panel < panels.count(); panel++) {
      tile.panel = panels.panel(panel);
      for (int row = 0; row < rows; row += Tile.ROWS) {
        tile.first = row * width;
        tile.sumsAt = row * stride + panel * C;
        tile.several();
      }
    }
  }

  /**
   * Adds the transpose of {@code from} [QUERIES, width] times x [rows, dimension] to {@code to}.
   *
   * @param transposed working memory [width, rows]
   * @param x panels whose row i is column i of x
   * @param to [width, dimension filled up]
   */
  void addTransposed(float[] from, float[] transposed, Panels x, float[] to) {
    int width = width();
    Transposition.run(from, 0, width, rows, width, transposed);
    int stride = x.count() * C;
    tile.x = transposed;
    tile.stride = rows;
    tile.sums = to;
    tile.sumsStride = stride;
    tile.begin = 0;
    tile.end = rows;
    for (int panel = 0; panel < x.count(); panel++) {
      tile.panel = x.panel(panel);
      for (int row = 0; row < width; row += Tile.ROWS) {
        tile.first = row * rows;
        tile.sumsAt = row * stride + panel * C;
        tile.several();
      }
    }
  }
}
