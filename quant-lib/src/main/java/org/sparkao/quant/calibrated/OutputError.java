package org.sparkao.quant.calibrated;

import java.util.Arrays;
import org.sparkao.quant.dense.TileKernel;
import org.sparkao.quant.dense.TileKernel.Place;

/**
 * The squared error of the output of a linear layer whose weights change by D [N, K], over inputs
 * of which the mean H of x x^T is known: the sum over rows d of d H d^T is the mean over tokens of
 * the squared error of all outputs. Exact, without the inputs. One instance a thread.
 */
public final class OutputError {
  private static final int ROWS = TileKernel.COLUMNS;

  private final int k;
  private final int stride;
  private final float[] h;
  private final float[] rows;
  private final float[] products;

  /** Of inputs with these moments. */
  public OutputError(SecondMoments inputs) {
    this.k = inputs.columns();
    this.stride = (k + TileKernel.ROWS - 1) / TileKernel.ROWS * TileKernel.ROWS;
    this.h = new float[Math.multiplyExact(k, stride)];
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        h[i * stride + j] = inputs.at(i, j);
      }
    }
    this.rows = new float[stride * ROWS];
    this.products = new float[stride * ROWS];
  }

  /**
   * The sum of d H d^T.
   *
   * @param change D, [count, K], K contiguous
   */
  public double of(float[] change, int count) {
    double sum = 0;
    for (int begin = 0; begin < count; begin += ROWS) {
      int end = Math.min(count, begin + ROWS);
      Arrays.fill(rows, 0);
      for (int row = begin; row < end; row++) {
        for (int j = 0; j < k; j++) {
          rows[j * ROWS + row - begin] = change[row * k + j];
        }
      }
      sum += ofRows();
    }
    return sum;
  }

  private double ofRows() {
    Arrays.fill(products, 0);
    Place right = Place.of(rows, 0, ROWS);
    for (int j = 0; j < stride; j += TileKernel.ROWS) {
      TileKernel.BEST.add(Place.of(h, j, stride), right, k, Place.of(products, j * ROWS, ROWS));
    }
    double sum = 0;
    for (int i = 0; i < k * ROWS; i++) {
      sum += (double) products[i] * rows[i];
    }
    return sum;
  }
}
