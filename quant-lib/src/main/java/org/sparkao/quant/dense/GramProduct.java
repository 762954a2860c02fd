package org.sparkao.quant.dense;

import java.util.Objects;
import java.util.function.IntConsumer;
import org.sparkao.quant.dense.TileKernel.Place;

/**
 * Adds X^T X in fp32: the second moments of the inputs of a linear layer, half of the Hessian of
 * its squared error (Frantar et al. 2022, GPTQ, section 3). Every element of a sum is one chain of
 * fused multiply-adds over the rows in the order in which they came, whoever works and however they
 * were cut. Half of the products are computed, the others are their mirror images.
 *
 * <p>For one caller at a time, who may share the pieces of one {@link #add} among threads.
 */
public final class GramProduct {
  /** Rows of X of which two panels stay in the first-level cache. */
  private static final int DEPTH = 256;

  /** Rows of X that are laid out at a time. */
  private static final int MOST_ROWS = 2048;

  private static final int WIDTH = TileKernel.COLUMNS;

  /** Panels that a piece of work multiplies with each other one while it is in the cache. */
  private static final int GROUP = 4;

  private final int k;
  private final int panels;
  private final TileKernel kernel;

  /** [panels, rows, 16]: columns 16 p to 16 p + 15 of panel p; zeros beyond K. */
  private float[] packed = new float[0];

  /**
   * Runs pieces 0 .. count - 1 of some work, in any order and on any threads; returns when done.
   */
  @FunctionalInterface
  public interface Pieces {
    /** One after the other on the caller's thread. */
    Pieces IN_ORDER =
        (count, piece) -> {
          for (int i = 0; i < count; i++) {
            piece.accept(i);
          }
        };

    /** Runs them. */
    void run(int count, IntConsumer piece);
  }

  /** For rows of {@code k} numbers. */
  public GramProduct(int k) {
    this(k, TileKernel.BEST);
  }

  GramProduct(int k, TileKernel kernel) {
    if (k < 1 || (long) k * k > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException("X^T X of " + k + " columns does not fit in an array");
    }
    this.k = k;
    this.panels = (k + WIDTH - 1) / WIDTH;
    this.kernel = Objects.requireNonNull(kernel, "kernel");
  }

  /**
   * Adds the products of some rows.
   *
   * @param x rows of K numbers, the first from index {@code first}
   * @param sum [K, K], symmetric before and after
   * @param pieces where the work is done
   */
  public void add(float[] x, int first, int rows, float[] sum, Pieces pieces) {
    Objects.checkFromIndexSize(first, Math.multiplyExact(rows, k), x.length);
    Objects.checkFromIndexSize(0, k * k, sum.length);
    for (int begin = 0; begin < rows; begin += MOST_ROWS) {
      int count = Math.min(MOST_ROWS, rows - begin);
      int from = first + begin * k;
      if (packed.length < panels * WIDTH * count) {
        packed = new float[panels * WIDTH * count];
      }
      pieces.run(panels, panel -> pack(x, from, count, panel));
      pieces.run((panels + GROUP - 1) / GROUP, group -> addGroup(group, count, sum));
    }
  }

  private void pack(float[] x, int from, int rows, int panel) {
    int column = panel * WIDTH;
    int count = Math.min(WIDTH, k - column);
    int to = panel * WIDTH * rows;
    for (int i = 0; i < rows; i++) {
      System.arraycopy(x, from + i * k + column, packed, to + i * WIDTH, count);
    }
  }

  /** The products of the columns of some panels with those of themselves and all later ones. */
  private void addGroup(int group, int rows, float[] sum) {
    int first = group * GROUP;
    int last = Math.min(panels, first + GROUP) - 1;
    float[] tiles = new float[GROUP * WIDTH * WIDTH];
    for (int other = first; other < panels; other++) {
      int end = Math.min(last, other);
      for (int panel = first; panel <= end; panel++) {
        move(sum, tiles, panel, other, Direction.LOAD);
      }
      for (int begin = 0; begin < rows; begin += DEPTH) {
        int depth = Math.min(DEPTH, rows - begin);
        Place right = Place.of(packed, (other * rows + begin) * WIDTH, WIDTH);
        for (int panel = first; panel <= end; panel++) {
          int from = (panel * rows + begin) * WIDTH;
          for (int row = 0; row < WIDTH; row += TileKernel.ROWS) {
            Place tile = Place.of(tiles, tile(panel) + row * WIDTH, WIDTH);
            kernel.add(Place.of(packed, from + row, WIDTH), right, depth, tile);
          }
        }
      }
      for (int panel = first; panel <= end; panel++) {
        move(sum, tiles, panel, other, Direction.STORE);
      }
    }
  }

  private static int tile(int panel) {
    return panel % GROUP * WIDTH * WIDTH;
  }

  private enum Direction {
    LOAD,
    STORE
  }

  private void move(float[] sum, float[] tiles, int panel, int other, Direction direction) {
    int tile = tile(panel);
    int rowBegin = panel * WIDTH;
    int columnBegin = other * WIDTH;
    int rows = Math.min(WIDTH, k - rowBegin);
    int columns = Math.min(WIDTH, k - columnBegin);
    for (int i = 0; i < rows; i++) {
      int at = (rowBegin + i) * k + columnBegin;
      if (direction == Direction.LOAD) {
        System.arraycopy(sum, at, tiles, tile + i * WIDTH, columns);
        continue;
      }
      System.arraycopy(tiles, tile + i * WIDTH, sum, at, columns);
    }
    for (int j = 0; j < columns && direction == Direction.STORE; j++) {
      int at = (columnBegin + j) * k + rowBegin;
      for (int i = 0; i < rows; i++) {
        sum[at + i] = tiles[tile + i * WIDTH + j];
      }
    }
  }
}
