package org.sparkao.gpu.train.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.sparkao.gpu.model.cpu.Cores;
import org.sparkao.gpu.model.cpu.Lanes;
import org.sparkao.gpu.model.cpu.Panels;
import org.sparkao.gpu.model.cpu.Tile;
import org.sparkao.gpu.tensor.HostTensor;

/**
 * c = a b, or c = c + a b, in fp32, shared among cores. Every sum is one chain of fused
 * multiply-adds in the order of depth, however the work is cut.
 */
final class Multiplier {
  private static final int C = Panels.COLUMNS;

  /** Elements of a that stay in the second-level cache. */
  private static final int CACHED = 1 << 18;

  private static final int FEWEST_ROWS = 6 * Tile.ROWS;
  private static final int MOST_ROWS = 128 * Tile.ROWS;

  /** Of the depth at a time, so that a part of a panel stays in the first-level cache. */
  private static final int DEPTH = 512;

  /** Pieces of work of a product whose left rows are copied. */
  private static final int FEWEST_PIECES = 16;

  private final Cores cores;
  private final Worker[] workers;

  Multiplier(Cores cores) {
    this.cores = cores;
    this.workers = new Worker[cores.count()];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker();
    }
  }

  /** What one thread works in. */
  static final class Worker {
    final Tile tile = new Tile();
    private float[] left = {};
    private float[] panel = {};

    private Worker() {
      tile.sums = new float[MOST_ROWS * C];
      tile.sumsStride = C;
    }

    /** Memory for rows of a. */
    float[] left(int elements) {
      if (left.length < elements) {
        left = new float[elements];
      }
      return left;
    }

    private float[] panel(int elements) {
      if (panel.length < elements) {
        panel = new float[elements];
      }
      return panel;
    }
  }

  /** What becomes of sums. */
  enum After {
    /** They are the result. */
    WRITE,
    /** They are added to what is there. */
    ADD
  }

  /**
   * Multiplies.
   *
   * @param c [rows of a, columns of b]
   */
  void run(LeftRows a, RightPanels b, HostTensor c, After after) {
    int chunk = chunkRows(a.depth());
    int chunks = (a.rows() + chunk - 1) / chunk;
    int panels = (b.columns() + C - 1) / C;
    int groups =
        a.copies() ? Math.min(panels, (FEWEST_PIECES + chunks - 1) / Math.max(1, chunks)) : panels;
    cores.run(
        chunks * groups,
        (number, piece) -> {
          Worker worker = workers[number];
          int firstRow = piece / groups * chunk;
          int rows = Math.min(chunk, a.rows() - firstRow);
          a.load(worker, firstRow, rows);
          int first = worker.tile.first;
          worker.tile.panel = worker.panel(a.depth() * C);
          int group = piece % groups;
          int lastPanel = (int) ((long) panels * (group + 1) / groups);
          for (int i = (int) ((long) panels * group / groups); i < lastPanel; i++) {
            b.pack(i, worker.tile.panel);
            multiply(worker.tile, first, rows, a.depth());
            write(worker.tile.sums, c, firstRow, rows, i * C, after);
          }
        });
  }

  private static int chunkRows(int depth) {
    int cached = CACHED / Math.max(1, depth) / Tile.ROWS * Tile.ROWS;
    return Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, cached));
  }

  private static void multiply(Tile tile, int first, int rows, int depth) {
    Arrays.fill(tile.sums, 0, Lanes.roundUp(rows, Tile.ROWS) * C, 0);
    for (int begin = 0; begin < depth; begin += DEPTH) {
      tile.begin = begin;
      tile.end = Math.min(depth, begin + DEPTH);
      for (int row = 0; row < rows; row += Tile.ROWS) {
        tile.first = first + row * tile.stride;
        tile.sumsAt = row * C;
        if (rows - row == 1) {
          tile.one();
        } else {
          tile.several();
        }
      }
    }
  }

  private static void write(
      float[] sums, HostTensor c, int firstRow, int rows, int column, After after) {
    int count = Math.min(C, c.columns() - column);
    float[] to = c.array();
    int at = c.at(firstRow) + column;
    for (int row = 0; row < rows; row++) {
      if (after == After.WRITE) {
        System.arraycopy(sums, row * C, to, at, count);
      } else if (count == C) {
        addWhole(sums, row * C, to, at);
      } else {
        for (int i = 0; i < count; i++) {
          to[at + i] += sums[row * C + i];
        }
      }
      at += c.columns();
    }
  }

  private static void addWhole(float[] sums, int from, float[] to, int at) {
    for (int i = 0; i < C; i += Lanes.WIDTH) {
      FloatVector.fromArray(Lanes.EIGHT, to, at + i)
          .add(FloatVector.fromArray(Lanes.EIGHT, sums, from + i))
          .intoArray(to, at + i);
    }
  }
}
