package org.sparkao.quant.calibrated;

import java.util.Map;
import org.sparkao.quant.golden.GoldenFile.Tensor;

/**
 * The block of the golden vectors: an RMS norm of 64, gate and up to 128, and down. In fp64 sums.
 */
final class GoldenBlock {
  private static final int HIDDEN = 64;
  private static final int INNER = 128;
  private static final double EPSILON = 1e-6;

  final float[] gate;
  final float[] up;
  final float[] down;
  private final float[] norm;
  private final float[] x;

  GoldenBlock(Map<String, Tensor> file) {
    this.gate = TestGoldenSmoothing.floats(file.get("before.mlp.gate_proj.weight"));
    this.up = TestGoldenSmoothing.floats(file.get("before.mlp.up_proj.weight"));
    this.down = TestGoldenSmoothing.floats(file.get("before.mlp.down_proj.weight"));
    this.norm = TestGoldenSmoothing.floats(file.get("before.norm.weight"));
    this.x = TestGoldenSmoothing.floats(file.get("x"));
  }

  /** What gate and up read. */
  float[] normed() {
    float[] y = new float[x.length];
    for (int row = 0; row < x.length; row += HIDDEN) {
      double squares = 0;
      for (int j = 0; j < HIDDEN; j++) {
        squares += (double) x[row + j] * x[row + j];
      }
      double factor = 1 / Math.sqrt(squares / HIDDEN + EPSILON);
      for (int j = 0; j < HIDDEN; j++) {
        y[row + j] = (float) (x[row + j] * factor) * norm[j];
      }
    }
    return y;
  }

  /** What down reads. */
  float[] products(float[] inputs, float[] gateWeight, float[] upWeight) {
    float[] gates = linear(inputs, gateWeight, HIDDEN, INNER);
    float[] ups = linear(inputs, upWeight, HIDDEN, INNER);
    for (int i = 0; i < gates.length; i++) {
      gates[i] = (float) (gates[i] / (1 + Math.exp(-gates[i]))) * ups[i];
    }
    return gates;
  }

  float[] output(float[] inputs, float[] gateWeight, float[] upWeight) {
    return linear(products(inputs, gateWeight, upWeight), down, INNER, HIDDEN);
  }

  /** x [rows, K] by W [N, K]. */
  static float[] linear(float[] x, float[] weight, int k, int n) {
    int rows = x.length / k;
    float[] y = new float[rows * n];
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < k; j++) {
          sum += (double) x[row * k + j] * weight[i * k + j];
        }
        y[row * n + i] = (float) sum;
      }
    }
    return y;
  }

  /** Hands the scales from the norm to gate and up. */
  void smoothNorm(double[] scales) {
    for (int j = 0; j < HIDDEN; j++) {
      norm[j] = (float) (norm[j] / scales[j]);
      for (int i = 0; i < INNER; i++) {
        gate[i * HIDDEN + j] = (float) (gate[i * HIDDEN + j] * scales[j]);
        up[i * HIDDEN + j] = (float) (up[i * HIDDEN + j] * scales[j]);
      }
    }
  }
}
