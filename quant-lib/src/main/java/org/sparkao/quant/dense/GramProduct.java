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
  /** Rows of X that are laid out at a time: panels of them stay in the first-level cache. */
  private static final int MOST_ROWS = 256;

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
   * Adds the products of some rows to the upper triangle; {@link #mirror} makes the lower one.
   *
   * @param x rows of K numbers, the first from index {@code first}
   * @param sum [K, K]; what is below the diagonal does not count before, and is undefined after
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

  /**
   * Copies the upper triangle of a sum to the lower one.
   *
   * @param sum [K, K]
   */
  public void mirror(float[] sum, Pieces pieces) {
    pieces.run(
        panels,
        panel -> {
          int end = Math.min(k, (panel + 1) * WIDTH);
          for (int row = 0; row < end; row++) {
            for (int column = Math.max(row + 1, panel * WIDTH); column < end; column++) {
              sum[column * k + row] = sum[row * k + column];
            }
          }
        });
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
    for (int other = first; other < panels; ) {
      boolean two = kernel.isWide() && (other + 2) * WIDTH <= k;
      for (int panel = first; panel <= Math.min(last, other); panel++) {
        if (two) {
          addTwo(panel, other, rows, sum);
        } else {
          addOne(panel, other, rows, sum);
        }
      }
      other++;
      if (two) {
        if (other <= last) {
          addOne(other, other, rows, sum);
        }
        other++;
      }
    }
  }

  private void addOne(int panel, int other, int rows, float[] sum) {
    if ((other + 1) * WIDTH <= k) {
      add(panel, other, rows, Place.of(sum, panel * WIDTH * k + other * WIDTH, k));
    } else {
      addEdge(panel, other, rows, sum);
    }
  }

  /** Adds the products of a panel with another and the one after that. */
  private void addTwo(int panel, int other, int rows, float[] sum) {
    Place right = Place.of(packed, other * rows * WIDTH, WIDTH);
    Place next = Place.of(packed, (other + 1) * rows * WIDTH, WIDTH);
    for (int row = 0; row < WIDTH; row += WideTile.ROWS) {
      int at = (panel * WIDTH + row) * k + other * WIDTH;
      WideTile.add(
          Place.of(packed, panel * rows * WIDTH + row, WIDTH),
          right,
          next,
          rows,
          Place.of(sum, at, k),
          Place.of(sum, at + WIDTH, k));
    }
  }

  /** Adds the products of two panels to a tile of {@link #WIDTH} rows. */
  private void add(int panel, int other, int rows, Place tile) {
    Place right = Place.of(packed, other * rows * WIDTH, WIDTH);
    int left = panel * rows * WIDTH;
    for (int row = 0; row < WIDTH; row += TileKernel.ROWS) {
      kernel.add(
          Place.of(packed, left + row, WIDTH),
          right,
          rows,
          Place.of(tile.values(), tile.first() + row * tile.next(), tile.next()));
    }
  }

  /** The same where the other panel goes beyond K. */
  private void addEdge(int panel, int other, int rows, float[] sum) {
    float[] tile = new float[WIDTH * WIDTH];
    int height = Math.min(WIDTH, k - panel * WIDTH);
    int width = k - other * WIDTH;
    int at = panel * WIDTH * k + other * WIDTH;
    for (int i = 0; i < height; i++) {
      System.arraycopy(sum, at + i * k, tile, i * WIDTH, width);
    }
    add(panel, other, rows, Place.of(tile, 0, WIDTH));
    for (int i = 0; i < height; i++) {
      System.arraycopy(tile, i * WIDTH, sum, at + i * k, width);
    }
  }
}
