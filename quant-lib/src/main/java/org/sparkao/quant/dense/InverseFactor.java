package org.sparkao.quant.dense;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.sparkao.quant.dense.GramProduct.Pieces;
import org.sparkao.quant.dense.TileKernel.Place;

/**
 * The upper Cholesky factor U of the inverse of a symmetric positive definite matrix H [K, K]: U^T
 * U = H^-1, in fp32.
 *
 * <p>H is factored from its last row on, H = R R^T with R upper triangular; then U = R^-1. That is
 * one factorization and one triangular inverse in place of two factorizations and an inverse, the
 * same U in exact arithmetic, and what is rounded stays closer to it. Memory: one matrix.
 */
public final class InverseFactor {
  private static final int BLOCK = 128;
  private static final int NARROW = TileKernel.COLUMNS;

  /** Tiles of columns that are a piece of work. */
  private static final int PIECE_TILES = 8;

  private final int k;

  /** K, a multiple of {@link TileKernel#COLUMNS}; rows and columns beyond K are those of 1. */
  private final int stride;

  /** [stride, stride]; first the problem, at the end the transposed result. */
  private final float[] a;

  private final float[] negative;
  private final TileKernel kernel;
  private final Pieces pieces;

  /** The upper triangle of a symmetric matrix. */
  @FunctionalInterface
  public interface Symmetric {
    /** Element [i, j], i at most j. */
    float at(int i, int j);
  }

  private InverseFactor(int k, TileKernel kernel, Pieces pieces) {
    this.k = k;
    this.stride = stride(k);
    this.a = new float[Math.multiplyExact(stride, stride)];
    this.negative = new float[Math.multiplyExact(BLOCK, stride)];
    this.kernel = kernel;
    this.pieces = pieces;
  }

  /** Bytes that are needed for K. */
  public static long bytes(long k) {
    long padded = (k + NARROW - 1) / NARROW * NARROW;
    return Float.BYTES * (padded * padded + BLOCK * padded);
  }

  /** Whether a matrix of K rows fits into an array. */
  public static boolean fits(long k) {
    return k > 0 && k <= 46_336;
  }

  private static int stride(int k) {
    if (!fits(k)) {
      throw new IllegalArgumentException("a matrix of " + k + " rows does not fit in an array");
    }
    return (k + NARROW - 1) / NARROW * NARROW;
  }

  /** The same, in the caller's thread alone. */
  public static Optional<InverseFactor> of(int k, Symmetric h) {
    return of(k, h, Pieces.IN_ORDER);
  }

  /**
   * The factor; empty when H is not positive definite in fp32, or holds a NaN.
   *
   * @param pieces share the work, without an effect on the result
   */
  public static Optional<InverseFactor> of(int k, Symmetric h, Pieces pieces) {
    return of(k, h, TileKernel.BEST, pieces);
  }

  static Optional<InverseFactor> of(int k, Symmetric h, TileKernel kernel) {
    return of(k, h, kernel, Pieces.IN_ORDER);
  }

  private static Optional<InverseFactor> of(int k, Symmetric h, TileKernel kernel, Pieces pieces) {
    InverseFactor factor = new InverseFactor(k, kernel, pieces);
    factor.fillReversed(h);
    if (!factor.factorize()) {
      return Optional.empty();
    }
    factor.invert();
    factor.reverse();
    return Optional.of(factor);
  }

  /** K. */
  public int size() {
    return k;
  }

  /** U[i, j]; 0 below the diagonal. */
  public float at(int i, int j) {
    return a[j * stride + i];
  }

  /**
   * U with rows [begin, ...) as the left side of a {@link TileKernel}: i counts rows of U from
   * {@code begin}, the rows of the tile are columns of U from {@code column} on.
   */
  public Place columns(int begin, int column) {
    return new Place(a, column * stride + begin, 1, stride);
  }

  private void fillReversed(Symmetric h) {
    int last = stride - 1;
    for (int i = 0; i < k; i++) {
      for (int j = i; j < k; j++) {
        a[(last - j) * stride + last - i] = h.at(i, j);
      }
    }
    for (int i = k; i < stride; i++) {
      a[(last - i) * stride + last - i] = 1;
    }
  }

  /** A = V^T V in place, V in the upper triangle. */
  private boolean factorize() {
    for (int begin = 0; begin < stride; begin += BLOCK) {
      int end = Math.min(stride, begin + BLOCK);
      for (int narrow = begin; narrow < end; narrow += NARROW) {
        if (!factorizeNarrow(narrow)) {
          return false;
        }
        negate(narrow, narrow + NARROW, narrow);
        update(narrow, narrow + NARROW, narrow + NARROW, end);
      }
      negate(begin, end, begin);
      update(begin, end, end, stride);
    }
    return true;
  }

  private boolean factorizeNarrow(int begin) {
    for (int p = begin; p < begin + NARROW; p++) {
      int row = p * stride;
      float pivot = a[row + p];
      if (!(pivot > 0 && pivot < Float.POSITIVE_INFINITY)) {
        return false;
      }
      float root = (float) Math.sqrt(pivot);
      divide(row, p, root);
      for (int i = p + 1; i < begin + NARROW; i++) {
        addRow(-a[row + i], row, i * stride, i);
      }
    }
    return true;
  }

  private void divide(int row, int from, float divisor) {
    for (int j = row + from; j < row + stride; j++) {
      a[j] /= divisor;
    }
  }

  /** a[to, j] += factor * a[from, j] for j from {@code column} on. */
  private void addRow(float factor, int from, int to, int column) {
    int distance = from - to;
    for (int j = to + column; j < to + stride; j++) {
      a[j] = Math.fma(factor, a[j + distance], a[j]);
    }
  }

  /** {@link #negative} = -a[rows begin to end, columns from {@code column} on], rows from 0. */
  private void negate(int begin, int end, int column) {
    for (int i = begin; i < end; i++) {
      int to = (i - begin) * stride;
      int from = i * stride;
      for (int j = column; j < stride; j++) {
        negative[to + j] = -a[from + j];
      }
    }
  }

  /** Subtracts from rows [rowBegin, rowEnd) what rows [begin, end) say; upper tiles only. */
  private void update(int begin, int end, int rowBegin, int rowEnd) {
    tiles(
        rowBegin,
        column -> {
          Place right = Place.of(a, begin * stride + column, stride);
          for (int i = rowBegin; i < Math.min(rowEnd, column + NARROW); i += TileKernel.ROWS) {
            Place left = Place.of(negative, i, stride);
            kernel.add(left, right, end - begin, Place.of(a, i * stride + column, stride));
          }
        });
  }

  /** Works on all tiles of columns from {@code first} on, a piece for each few of them. */
  private void tiles(int first, IntConsumer tile) {
    int count = (stride - first) / NARROW;
    pieces.run(
        (count + PIECE_TILES - 1) / PIECE_TILES,
        piece -> {
          int end = Math.min(count, (piece + 1) * PIECE_TILES);
          for (int i = piece * PIECE_TILES; i < end; i++) {
            tile.accept(first + i * NARROW);
          }
        });
  }

  /** V becomes its inverse, block of rows after block of rows from the last on. */
  private void invert() {
    for (int i = 1; i < stride; i++) {
      Arrays.fill(a, i * stride, i * stride + i, 0);
    }
    for (int end = stride; end > 0; ) {
      int begin = (end - 1) / BLOCK * BLOCK;
      negate(begin, end, begin);
      for (int i = begin; i < end; i++) {
        Arrays.fill(a, i * stride + i, (i + 1) * stride, 0);
        a[i * stride + i] = 1;
      }
      productsOf(begin, end);
      for (int i = end - 1; i >= begin; i--) {
        int own = (i - begin) * stride;
        for (int p = i + 1; p < end; p++) {
          addRow(negative[own + p], p * stride, i * stride, p);
        }
        divide(i * stride, i, -negative[own + i]);
      }
      end = begin;
    }
  }

  /** Rows [begin, end), to the right of their own block. */
  private void productsOf(int begin, int end) {
    tiles(
        end,
        column -> {
          Place right = Place.of(a, end * stride + column, stride);
          for (int i = begin; i < end; i += TileKernel.ROWS) {
            Place left = new Place(negative, (i - begin) * stride + end, 1, stride);
            int depth = column + NARROW - end;
            kernel.add(left, right, depth, Place.of(a, i * stride + column, stride));
          }
        });
  }

  private void reverse() {
    for (int i = 0, j = a.length - 1; i < j; i++, j--) {
      float swap = a[i];
      a[i] = a[j];
      a[j] = swap;
    }
  }
}
