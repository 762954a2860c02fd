package org.sparkao.quant.dense;

import java.util.Arrays;
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
  /** Rows of X that are laid out at a time. */
  private static final int MOST_ROWS = 512;

  /** Of them, multiplied at a time: parts of three panels stay in the first-level cache; even. */
  private static final int DEPTH = 256;

  private static final int C = TileKernel.COLUMNS;

  /**
   * Panels, and tiles, that a piece of work multiplies while they are in the second-level cache.
   */
  private static final int LEFT_BLOCK = 8;

  private static final int RIGHT_BLOCK = 4;

  private final int k;
  private final TileKernel kernel;

  /** Rows of a tile of sums, which are columns of a panel of {@link #left}. */
  private final int height;

  /** Columns of a tile of sums: those of one panel of {@link #right}, or of two. */
  private final int width;

  private final int leftPanels;
  private final int rightTiles;

  /** [leftPanels, rows, height]; the same as right where both are read alike. */
  private float[] left = {};

  /** [panels, rows, 16]; what is beyond K is undefined. */
  private float[] right = {};

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
    this.kernel = Objects.requireNonNull(kernel, "kernel");
    this.height = kernel.isWide() ? WideTile.ROWS : C;
    this.width = kernel.isWide() ? 2 * C : C;
    this.leftPanels = (k + height - 1) / height;
    this.rightTiles = (k + width - 1) / width;
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
      addRows(x, first + begin * k, Math.min(MOST_ROWS, rows - begin), sum, pieces);
    }
  }

  private void addRows(float[] x, int from, int rows, float[] sum, Pieces pieces) {
    int even = rows + rows % 2;
    if (right.length < rightTiles * width * even) {
      right = new float[rightTiles * width * even];
      left = kernel.isWide() ? new float[leftPanels * height * even] : right;
    }
    int panels = (k + C - 1) / C;
    pieces.run(
        kernel.isWide() ? panels + leftPanels : panels,
        piece -> {
          if (piece < panels) {
            pack(x, from, rows, piece * C, Place.of(right, piece * C * even, C));
          } else {
            int column = (piece - panels) * height;
            pack(x, from, rows, column, Place.of(left, column * even, height));
          }
        });
    int across = (rightTiles + RIGHT_BLOCK - 1) / RIGHT_BLOCK;
    pieces.run(
        (leftPanels + LEFT_BLOCK - 1) / LEFT_BLOCK * across,
        piece -> addBlock(piece / across * LEFT_BLOCK, piece % across * RIGHT_BLOCK, even, sum));
  }

  /**
   * Copies the upper triangle of a sum to the lower one.
   *
   * @param sum [K, K]
   */
  public void mirror(float[] sum, Pieces pieces) {
    pieces.run(
        (k + C - 1) / C,
        panel -> {
          int end = Math.min(k, (panel + 1) * C);
          for (int row = 0; row < end; row++) {
            for (int column = Math.max(row + 1, panel * C); column < end; column++) {
              sum[column * k + row] = sum[row * k + column];
            }
          }
        });
  }

  /** Lays out a panel, with zeros behind an odd number of rows. */
  private void pack(float[] x, int from, int rows, int column, Place to) {
    int count = Math.min(to.next(), k - column);
    for (int i = 0; i < rows; i++) {
      System.arraycopy(x, from + i * k + column, to.values(), to.first() + i * to.next(), count);
    }
    if (rows % 2 == 1) {
      int end = to.first() + rows * to.next();
      Arrays.fill(to.values(), end, end + to.next(), 0);
    }
  }

  /** Adds the products of some left panels with some right ones, but those below the diagonal. */
  private void addBlock(int firstPanel, int firstTile, int rows, float[] sum) {
    int lastPanel = Math.min(leftPanels, firstPanel + LEFT_BLOCK);
    int lastTile = Math.min(rightTiles, firstTile + RIGHT_BLOCK);
    for (int begin = 0; begin < rows; begin += DEPTH) {
      for (int tile = firstTile; tile < lastTile; tile++) {
        for (int panel = firstPanel; panel < lastPanel; panel++) {
          if (panel * height < (tile + 1) * width) {
            addTile(panel, tile, begin, rows, sum);
          }
        }
      }
    }
  }

  private void addTile(int panel, int tile, int begin, int rows, float[] sum) {
    int row = panel * height;
    int column = tile * width;
    if (row + height <= k && column + width <= k) {
      multiply(panel, tile, begin, rows, Place.of(sum, row * k + column, k));
      return;
    }
    float[] edge = new float[height * width];
    int rowsWithin = Math.min(height, k - row);
    int within = Math.min(width, k - column);
    for (int i = 0; i < rowsWithin; i++) {
      System.arraycopy(sum, (row + i) * k + column, edge, i * width, within);
    }
    multiply(panel, tile, begin, rows, Place.of(edge, 0, width));
    for (int i = 0; i < rowsWithin; i++) {
      System.arraycopy(edge, i * width, sum, (row + i) * k + column, within);
    }
  }

  /** Adds products of {@link #DEPTH} rows, or those there are, to the sums of a tile. */
  private void multiply(int panel, int tile, int begin, int rows, Place sums) {
    int count = Math.min(DEPTH, rows - begin);
    int from = (panel * rows + begin) * height;
    int to = tile * width * rows + begin * C;
    Place first = Place.of(right, to, C);
    if (kernel.isWide()) {
      Place second = Place.of(right, to + rows * C, C);
      Place next = Place.of(sums.values(), sums.first() + C, sums.next());
      WideTile.add(Place.of(left, from, height), first, second, count, sums, next);
      return;
    }
    for (int row = 0; row < height; row += TileKernel.ROWS) {
      int at = sums.first() + row * sums.next();
      kernel.add(
          Place.of(left, from + row, height),
          first,
          count,
          Place.of(sums.values(), at, sums.next()));
    }
  }
}
