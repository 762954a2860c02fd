package org.sparkao.quant.calibrated;

/**
 * Scales of columns that hand some of the range of the inputs over to the weights: weights are
 * multiplied by them, what makes the inputs is divided (Xiao et al. 2022, equation 4), as
 * llm-compressor computes them ({@code modifiers/transform/smoothquant}).
 */
public final class SmoothQuant {
  /** Half to the weights, half to the inputs. */
  public static final double DEFAULT_STRENGTH = 0.5;

  private static final float SMALLEST = 1e-5f;

  private SmoothQuant() {}

  /**
   * r^a / (2 max abs(W))^(1 - a), at least 1e-5; r, the width of the range of an input, for columns
   * of weights that are all zero.
   *
   * @param min [K] smallest input of each column
   * @param max [K] largest input
   * @param weightAmax [K] largest magnitude of the weights of each column, of all layers that read
   *     the input
   * @param strength a, 0 to 1
   */
  public static float[] scales(float[] min, float[] max, float[] weightAmax, double strength) {
    float[] scales = new float[min.length];
    for (int j = 0; j < scales.length; j++) {
      float range = max[j] - min[j];
      float weight = 2 * weightAmax[j];
      float scale = (float) Math.pow(range, strength) / (float) Math.pow(weight, 1 - strength);
      scales[j] = Math.max(SMALLEST, weight > 0 ? scale : range);
    }
    return scales;
  }
}
