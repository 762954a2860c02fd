package org.sparkao.gpu.train;

import java.util.Optional;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;

/**
 * fp8 products as they are defined: codes by plain loops, sums in fp64. Of tensors of any device.
 */
final class HostFloat8Products implements Float8Products {
  private static final double LEAST = 1e-12f;

  private final Float8 scaling;
  private final Rounding rounding;
  private int products;
  private int gradients;

  /** What becomes of a scaled number. */
  private interface Rounding {
    float round(float scaled, NumberFormat format);
  }

  private HostFloat8Products(Float8 scaling, Rounding rounding) {
    this.scaling = scaling;
    this.rounding = rounding;
  }

  /** With codes. */
  static HostFloat8Products of(Float8 scaling) {
    return new HostFloat8Products(
        scaling, (x, format) -> format.decode(format.encode(x, Overflow.SATURATE)));
  }

  /** Numbers stay as they are: what is left is which of them are multiplied. */
  static HostFloat8Products unrounded() {
    return new HostFloat8Products(Float8.TENSORWISE, (x, format) -> x);
  }

  /** How often it was asked. */
  int products() {
    return products;
  }

  /** How often it was asked for gradients. */
  int gradients() {
    return gradients;
  }

  /** Numbers that codes stand for: of a matrix, and of its transpose. */
  private static final class Matrix implements Float8Matrix {
    private double[][] rows;
    private double[][] columns;

    @Override
    public void close() {
      rows = null;
      columns = null;
    }
  }

  @Override
  public Float8Matrix allocate(int rows, int columns) {
    return new Matrix();
  }

  @Override
  public void quantize(Tensor x, Float8Matrix to) {
    quantize(x, NumberFormats.E4M3FN, (Matrix) to);
  }

  private void quantize(Tensor x, NumberFormat format, Matrix to) {
    float[] all = x.toFloats();
    float[][] rows = new float[x.rows()][x.columns()];
    float[][] columns = new float[x.columns()][x.rows()];
    for (int i = 0; i < all.length; i++) {
      rows[i / x.columns()][i % x.columns()] = all[i];
      columns[i % x.columns()][i / x.columns()] = all[i];
    }
    to.rows = rounded(rows, format);
    to.columns = rounded(columns, format);
  }

  private double[][] rounded(float[][] rows, NumberFormat format) {
    double[][] all = new double[rows.length][rows[0].length];
    double largest = amax(rows);
    for (int i = 0; i < rows.length; i++) {
      double amax = scaling == Float8.ROWWISE ? amax(new float[][] {rows[i]}) : largest;
      float multiplier = (float) (format.largest() / Math.max(amax, LEAST));
      float scale = 1 / multiplier;
      for (int j = 0; j < rows[i].length; j++) {
        all[i][j] = (double) rounding.round(rows[i][j] * multiplier, format) * scale;
      }
    }
    return all;
  }

  private static double amax(float[][] rows) {
    double amax = 0;
    for (float[] row : rows) {
      for (float x : row) {
        amax = Math.max(amax, Math.abs(x));
      }
    }
    return amax;
  }

  @Override
  public void product(Float8Matrix x, Float8Matrix weight, Optional<Tensor> bias, Tensor y) {
    products++;
    float[] offsets = bias.map(Tensor::toFloats).orElse(new float[y.columns()]);
    float[] sums = sums(((Matrix) x).rows, ((Matrix) weight).rows);
    for (int i = 0; i < sums.length; i++) {
      sums[i] += offsets[i % offsets.length];
    }
    y.write(sums, 0);
  }

  @Override
  public void gradients(
      Tensor dy, Float8Matrix x, Float8Matrix weight, Optional<Tensor> dw, Tensor dx) {
    gradients++;
    Matrix codes = new Matrix();
    quantize(dy, NumberFormats.E5M2, codes);
    dx.write(sums(codes.rows, ((Matrix) weight).columns), 0);
    if (dw.isPresent()) {
      float[] before = dw.get().toFloats();
      float[] sums = sums(codes.columns, ((Matrix) x).columns);
      for (int i = 0; i < sums.length; i++) {
        sums[i] += before[i];
      }
      dw.get().write(sums, 0);
    }
  }

  private static float[] sums(double[][] a, double[][] b) {
    float[] all = new float[a.length * b.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = (float) InDoubles.dot(a[i / b.length], b[i % b.length]);
    }
    return all;
  }
}
