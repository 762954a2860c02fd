package org.sparkao.quant.torchao;

import org.sparkao.quant.format.WeightType;

/**
 * Half-quadratic quantization of a whole matrix exactly as torchao does it on a CPU: codes 0 to
 * 2^bits - 1 whose middle one stands for a floating-point zero point.
 *
 * <p>The search stops when the mean error of the <em>whole</em> matrix no longer falls, so rows
 * influence each other.
 */
public final class Hqq {
  private final int bits;
  private final int groupSize;

  /** For codes of {@code bits} bits under one scale for {@code groupSize} consecutive values. */
  public Hqq(int bits, int groupSize) {
    if (groupSize < 1) {
      throw new IllegalArgumentException("groups of " + groupSize);
    }
    this.bits = bits;
    this.groupSize = groupSize;
  }

  /**
   * Quantizes {@code values} [rows, columns].
   *
   * @param type type of the values; scales and zero points are rounded to it at the end
   */
  public TorchaoTensor quantize(float[] values, int rows, int columns, WeightType type) {
    Blocks blocks = Blocks.groups(rows, columns, groupSize);
    int groups = blocks.down() * blocks.across();
    HqqGroup group = new HqqGroup(bits);
    float[] zeros = search(values, group, groups);
    byte[] codes = new byte[values.length];
    float[] scales = new float[groups];
    float[] zeroPoints = new float[groups];
    float[] dequantized = new float[values.length];
    float middle = 1 << (bits - 1);
    for (int g = 0; g < groups; g++) {
      beginGroup(group, values, g);
      group.zero(zeros[g]);
      float scale = 1 / group.scale();
      scales[g] = type.round(scale);
      zeroPoints[g] = type.round((middle - zeros[g]) * scale);
      for (int i = g * groupSize; i < (g + 1) * groupSize; i++) {
        float code = group.code(values[i]);
        codes[i] = (byte) (int) code;
        dequantized[i] = type.round(type.round((code - middle) * scales[g]) + zeroPoints[g]);
      }
    }
    return new TorchaoTensor(blocks, codes, scales, new byte[0], zeroPoints, dequantized, 0);
  }

  private float[] search(float[] values, HqqGroup group, int groups) {
    float[] zeros = new float[groups];
    for (int g = 0; g < groups; g++) {
      beginGroup(group, values, g);
      zeros[g] = group.zero();
    }
    double best = Double.MAX_VALUE;
    for (int step = 0; step < HqqGroup.STEPS; step++) {
      double error = 0;
      double beta = HqqGroup.beta(step);
      for (int g = 0; g < groups; g++) {
        beginGroup(group, values, g);
        group.zero(zeros[g]);
        error += group.step(beta);
        zeros[g] = group.zero();
      }
      if (!((float) (error / values.length) < best)) {
        break;
      }
      best = (float) (error / values.length);
    }
    return zeros;
  }

  private void beginGroup(HqqGroup group, float[] values, int g) {
    group.begin(values, g * groupSize, (g + 1) * groupSize);
  }
}
