package org.sparkao.quant.torchao;

import org.sparkao.quant.format.WeightType;

/**
 * Symmetric codes whose scale is improved by alternating least squares, as torchao's {@code
 * HQQ_SCALE_ONLY}: from amax / |smallest code| on, codes = rint(w / s) and s = sum(w * code) /
 * sum(code * code), until no scale of the <em>whole</em> matrix moves by a share of 1e-5, at most
 * 20 times. All arithmetic in F32.
 *
 * <p>Source: torchao {@code quantization/quant_primitives.py}, {@code
 * _choose_qparams_and_quantize_scale_only_hqq}.
 */
public final class HqqScaleOnly {
  private static final int STEPS = 20;
  private static final float TOLERANCE = 1e-5f;
  private static final float SMALLEST_SCALE = 0x1p-23f;

  private final int groupSize;
  private final float codeMin;
  private final float codeMax;
  private final float[] products;
  private final float[] squares;

  /** For signed codes of {@code bits} bits under one scale for {@code groupSize} values. */
  public HqqScaleOnly(int bits, int groupSize) {
    if (bits < 1 || bits > 8 || groupSize < 1) {
      throw new IllegalArgumentException(bits + " bits in groups of " + groupSize);
    }
    this.groupSize = groupSize;
    this.codeMin = -(1 << (bits - 1));
    this.codeMax = (1 << (bits - 1)) - 1;
    this.products = new float[groupSize];
    this.squares = new float[groupSize];
  }

  /**
   * Quantizes {@code values} [rows, columns].
   *
   * @param type type of the values; scales are rounded to it after the codes are chosen
   */
  public TorchaoTensor quantize(float[] values, int rows, int columns, WeightType type) {
    Blocks blocks = Blocks.groups(rows, columns, groupSize);
    float[] found = search(values, blocks.down() * blocks.across());
    byte[] codes = new byte[values.length];
    float[] dequantized = new float[values.length];
    float[] scales = new float[found.length];
    for (int i = 0; i < values.length; i++) {
      int group = i / groupSize;
      scales[group] = type.round(found[group]);
      codes[i] = (byte) (int) code(values[i], found[group]);
      dequantized[i] = type.round(codes[i] * scales[group]);
    }
    float[] zeroPoints = new float[found.length];
    return new TorchaoTensor(blocks, codes, scales, new byte[0], zeroPoints, dequantized, 0);
  }

  private float[] search(float[] values, int groups) {
    float[] scales = new float[groups];
    for (int i = 0; i < values.length; i++) {
      int group = i / groupSize;
      scales[group] = Math.max(scales[group], Math.abs(values[i]));
    }
    for (int group = 0; group < groups; group++) {
      scales[group] = Math.max(scales[group] / -codeMin, SMALLEST_SCALE);
    }
    boolean moving = true;
    for (int step = 0; step < STEPS && moving; step++) {
      moving = false;
      for (int group = 0; group < groups; group++) {
        float before = scales[group];
        scales[group] = leastSquares(values, group, before);
        float moved = Math.abs(scales[group] - before) / Math.max(before, SMALLEST_SCALE);
        moving |= !(moved < TOLERANCE);
      }
    }
    return scales;
  }

  private float leastSquares(float[] values, int group, float scale) {
    for (int i = 0; i < groupSize; i++) {
      float value = values[group * groupSize + i];
      float code = code(value, scale);
      products[i] = value * code;
      squares[i] = code * code;
    }
    float denominator = TorchSum.sum(squares, groupSize);
    float best = denominator > 0 ? TorchSum.sum(products, groupSize) / denominator : scale;
    return Math.max(best, SMALLEST_SCALE);
  }

  private float code(float value, float scale) {
    return Math.max(codeMin, Math.min(codeMax, (float) Math.rint(value / scale)));
  }
}
