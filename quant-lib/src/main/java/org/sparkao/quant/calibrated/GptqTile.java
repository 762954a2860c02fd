package org.sparkao.quant.calibrated;

import java.util.Arrays;
import org.sparkao.quant.algorithm.WeightGrid.Rounded;
import org.sparkao.quant.calibrated.CpuGptq.Factor;
import org.sparkao.quant.dense.InverseFactor;
import org.sparkao.quant.dense.TileKernel;
import org.sparkao.quant.dense.TileKernel.Place;

/**
 * Up to {@link #ROWS} rows of a weight on their way through GPTQ, transposed: [K, ROWS], rows
 * contiguous, columns in the order in which they are rounded.
 *
 * <p>The error of a column goes to the others of its narrow block at once, to the rest of its block
 * of 128 when the narrow one is done, to all others when the block is (section 3.3, lazy batch
 * updates). Every element takes errors in the order of the columns whatever the blocks: one fused
 * multiply-add after the other.
 */
final class GptqTile {
  static final int ROWS = 64;

  /** Columns whose errors go to all later ones together. */
  static final int BLOCK = 128;

  /** Columns among which errors are passed on at once. */
  static final int NARROW = 16;

  private final ColumnRule rule;
  private final Factor factor;
  private final int k;

  /** What is left of each weight; once a column is rounded, its steps. */
  private final float[] weights;

  private final float[] errors = new float[BLOCK * ROWS];
  private final float[] column = new float[ROWS];
  private final float[] losses = new float[ROWS];
  private final Rounded rounded = new Rounded();
  private final TileKernel kernel = TileKernel.BEST;

  /** What becomes of a column when its turn comes. */
  @FunctionalInterface
  interface ColumnRule {
    /**
     * Chooses numbers and steps for {@code rows} weights of place {@code place} of the order.
     *
     * @param rowBegin as {@link #solve} was told
     * @param column what is left of these weights
     */
    void round(int place, int rowBegin, int rows, float[] column, Rounded out);
  }

  /** A tile for one tensor. */
  GptqTile(ColumnRule rule, Factor factor) {
    this.rule = rule;
    this.factor = factor;
    this.k = factor.columns().order().length;
    this.weights = new float[(k + NARROW - 1) / NARROW * NARROW * ROWS];
    rounded.values = new float[ROWS];
    rounded.steps = weights;
  }

  /** Bytes of a tile. */
  static long bytes(long columns) {
    return Float.BYTES * ROWS * (columns + BLOCK);
  }

  /** Forgets everything; rows that are not set are zero. */
  void clear() {
    Arrays.fill(weights, 0);
    Arrays.fill(losses, 0);
  }

  /** Puts a weight at place {@code place} of the order. */
  void set(int row, int place, float weight) {
    weights[place * ROWS + row] = weight;
  }

  /** What is left of the weight at place {@code place} of the order; its step once it is solved. */
  float step(int row, int place) {
    return weights[place * ROWS + row];
  }

  /** The loss of a row. */
  double loss(int row) {
    return 0.5 * losses[row];
  }

  /**
   * Rounds all columns.
   *
   * @param rowBegin first row in the slice of {@link #grid}
   * @param rows how many
   */
  void solve(int rowBegin, int rows) {
    for (int begin = 0; begin < k; begin += BLOCK) {
      solveBlock(begin, rowBegin, rows);
    }
  }

  /** Rounds the {@link #BLOCK} columns from place {@code begin} on, those before being rounded. */
  void solveBlock(int begin, int rowBegin, int rows) {
    int end = Math.min(k, begin + BLOCK);
    for (int narrow = begin; narrow < end; narrow += NARROW) {
      int narrowEnd = Math.min(end, narrow + NARROW);
      for (int place = narrow; place < narrowEnd; place++) {
        roundColumn(place, begin, rowBegin, rows);
      }
      passOn(narrow, narrowEnd, begin, end, rows);
    }
    passOn(begin, end, begin, k, rows);
  }

  /** Rounds one column and passes its error on to the rest of its narrow block. */
  private void roundColumn(int place, int begin, int rowBegin, int rows) {
    System.arraycopy(weights, place * ROWS, column, 0, ROWS);
    rounded.stepsAt = place * ROWS;
    rule.round(place, rowBegin, rows, column, rounded);
    if (factor.factor().isEmpty()) {
      return;
    }
    InverseFactor inverse = factor.factor().get();
    float diagonal = inverse.at(place, place);
    int errorsAt = (place - begin) * ROWS;
    for (int r = 0; r < ROWS; r++) {
      float negative = (rounded.values[r] - column[r]) / diagonal;
      errors[errorsAt + r] = negative;
      losses[r] += negative * negative;
    }
    int narrowEnd = Math.min(k, place / NARROW * NARROW + NARROW);
    for (int next = place + 1; next < narrowEnd; next++) {
      addError(inverse.at(place, next), errorsAt, next * ROWS);
    }
  }

  private void addError(float factor, int from, int to) {
    for (int r = 0; r < ROWS; r++) {
      weights[to + r] = Math.fma(factor, errors[from + r], weights[to + r]);
    }
  }

  /** Passes the errors of places [from, to) on to places [to, end). */
  private void passOn(int from, int to, int begin, int end, int rows) {
    if (factor.factor().isEmpty()) {
      return;
    }
    InverseFactor inverse = factor.factor().get();
    for (int next = to; next < end; next += TileKernel.ROWS) {
      Place left = inverse.columns(from, next);
      for (int row = 0; row < rows; row += TileKernel.COLUMNS) {
        Place right = Place.of(errors, (from - begin) * ROWS + row, ROWS);
        kernel.add(left, right, to - from, Place.of(weights, next * ROWS + row, ROWS));
      }
    }
  }
}
